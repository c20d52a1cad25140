"""The training loop: what is taught, in which batches, comes from outside; how it is taught is here.

In: a network, a source that gives the same batch for the same step, a loss and settings. Out: the network
with averaged weights, its learning curve and a record of the run. A run stopped at any moment goes on to the
very same result; HF Accelerate spreads it over whatever the machine has.
"""
