"""TensorRT behind the engine protocol: built when the bundle is installed, run by a CUDA graph.

api     what this machine has of TensorRT or TensorRT-RTX     cudart  the CUDA runtime, every call checked
build   an ONNX graph -> a plan, with progress                cache   plans on disk, keyed, bounded
plans   a bundle's plans on this machine, kept or built       program a plan on the device, with its buffers
engine  a bundle, answering like every other engine
"""
