"""A trained network -> a signed bundle directory: judged, described, and there whole or not at all."""
