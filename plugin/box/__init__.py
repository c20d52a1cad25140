"""The box: wheelhouses, Debian package, units and rules that put Barocast on a machine without a network."""
