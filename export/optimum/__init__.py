"""The second export route: a student as Hugging Face's own tools (transformers, optimum) take it.

    checkpoint -> transformers folder -> `optimum-cli export onnx` -> `optimum-cli onnxruntime quantize`

`network` and `folder` need transformers alone, 4.57 or 5. `onnx_config` and `route` stand on optimum-onnx,
which needs transformers < 4.58 (extra `optimum`). Bundles take the other route, export.graphs:
docs/optimum.md says why. Imports are absolute, so `optimum` alone is always Hugging Face's.
"""
