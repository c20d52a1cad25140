"""A bed set up step by step, each step proven: `barocast setup`."""
