"""Bytes to events, sans-IO: one wire format a file, `feed(data) -> list`, no clock."""
