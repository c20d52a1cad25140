"""The client's side of each live connection, sans-IO: bytes and `now` in; events and replies out."""
