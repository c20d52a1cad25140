"""Where an alarm goes: a sink takes the whole state, on every change and again every few seconds."""
