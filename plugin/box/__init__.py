"""The box: wheelhouses, the Debian package, units and rules that put Barocast on a machine without a network."""
