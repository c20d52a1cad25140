"""What a graph is to run on, asked beforehand: rules of ours, and TensorRT-RTX's own parser and builder."""
