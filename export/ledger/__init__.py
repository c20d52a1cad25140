"""What each part of the teacher is worth: the same training without it, on the same folds and rows."""
