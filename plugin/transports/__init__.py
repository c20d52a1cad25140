"""Bytes to and from a monitor, by address: the only importers of pyserial and sockets at the bedside."""
