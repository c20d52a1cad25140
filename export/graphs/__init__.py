"""Networks as the ONNX graphs that a bundle runs.

A `Split` is a network cut where the patient's text ends: the prefix is run once a patient, the tick every
time. `student` and `teacher` cut ours, `adapter` takes a user's own, `checked` says what is wrong with
one, `to_onnx` exports the two parts, `running` runs them, `described` counts what is in them.
"""
