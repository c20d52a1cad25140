"""Alarms to the bytes that other systems read, sans-IO: one wire format a file, no clock."""
