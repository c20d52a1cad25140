"""The sections of a validation, each a function of Judged rows that gives plain values for the report."""
