"""The screen: a local page over server-sent events, and the acts that come back from it."""
