"""From cases to a signed bundle: cohort, training, ONNX, int8, packing. The only importer of torch."""

import barocast.runtime  # onnxruntime must not be imported before it  # noqa: F401
