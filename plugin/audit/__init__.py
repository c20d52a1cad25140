"""The audit log: every alarm transition and operator act, hash-chained in SQLite, and the keeping of disk."""
