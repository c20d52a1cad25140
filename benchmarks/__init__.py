"""Measurements whose results are committed beside them: `python -m benchmarks NAME` (make bench)."""
