"""Whether every way to run a network says the same: torch, ONNX in float and in int8, TensorRT.

In: a student as training left it, the bundle made of it, windows of every kind. Out: how far each way lies
from torch in eval mode (the reference), kind by kind, judged by evaluation's limits; and where a limit is
broken, the first node of the graph that lies off.
"""
