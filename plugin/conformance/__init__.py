"""The conformance kit: a driver goes through replay, garbage, silence, reconnect and drift, and is graded."""
