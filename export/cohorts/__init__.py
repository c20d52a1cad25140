"""From wherever cases lie (VitalDB, WFDB, CSV, the shared cohort) to one form on disk, then Case values."""
