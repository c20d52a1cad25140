"""How the box fares, in numbers: recorders for its loops, readings of the machine, and their exposition."""
