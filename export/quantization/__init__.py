"""Smaller numbers for the same graph: int8 by static Q/DQ, and weights alone in fp16, int8 or int4.

`quantize` makes the int8 tick that ONNX Runtime and TensorRT both take: `windows` draws what activations
are measured on, `shown` asks a tick about them, `products` finds the matrix products that may be int8,
`scales` measures them, `qdq` rewrites the graph, `sensitivity` says what each layer costs and leaves the
worst in float until evaluation's limits hold, `saturation` proves that no 16-bit sum can overflow. `qat`
fine-tunes a network where that loses too much; `weight_only` changes only how weights are kept;
`precisions` names them all.
"""
