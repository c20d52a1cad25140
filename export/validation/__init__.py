"""From a department's cases and a bundle to the evidence: played through the pipeline, judged, reported."""
