"""Virtual patients and virtual monitors: what integrators test their own systems with."""
