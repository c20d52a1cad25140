"""The whole way from patients to one taught teacher: what it is shown, stage by stage, in which fold."""
