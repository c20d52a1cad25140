"""A bundle in a stranger's hands: onnxruntime and numpy alone. `python stranger.py BUNDLE`."""

import sys

import numpy as np
import onnxruntime as ort

folder, row = sys.argv[1], slice(5, 6)
known = {name: array[row] for name, array in np.load(f"{folder}/known_answers.npz").items()}
prefix, tick = (ort.InferenceSession(f"{folder}/{name}.onnx") for name in ("prefix", "model"))
memory = prefix.run(None, {"text": known["text"]})
given = {name: known[name] for name in ("series", "mask", "trend")}
given |= {node.name: tensor for node, tensor in zip(prefix.get_outputs(), memory, strict=True)}
for name in ("logits", "quantiles"):
    (answer,) = tick.run([name], given)
    print(f"{name}: {answer.size} numbers, largest difference {np.abs(answer - known[name]).max():.1e}")
