"""From cases to a signed bundle: cohort, training, ONNX, quantization, packing. The only importer of torch."""
