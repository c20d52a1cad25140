"""TRIPOD+AI's items and where a bundle's card answers each.

Source: Collins et al., TRIPOD+AI statement, BMJ 2024;385:e078378: 27 items for studies that develop or
evaluate a prediction model. Item numbers are theirs, the wording is ours. What was not done is said to be not
done.
"""

from __future__ import annotations

from typing import Final

ITEMS: Final = (
    ("1", "title: development or evaluation, target, outcome", "Title"),
    ("2", "abstract", "Intended use and Performance; there is no separate abstract"),
    ("3a-3c", "context, intended use and users, inequalities", "Intended use; inequalities: Fairness"),
    ("4", "objectives", "Intended use: development and internal evaluation"),
    ("5a-5b", "sources of data, dates", "Data; operations of 2016-2017"),
    ("6a-6c", "setting, eligibility, treatments", "Data; treatments are not in the data, see Limits"),
    ("7", "data preparation", "Data"),
    ("8a-8c", "outcome, its assessment", "Outcome; computed by rule, nobody judged it"),
    ("9a-9c", "predictors and how they were chosen", "Predictors; no choice by data"),
    ("10", "sample size", "Data; all patients at hand, no calculation beforehand"),
    ("11", "missing data", "Data"),
    ("12a-12g", "use of data, model, validation, measures, recalibration", "Data, Model, Performance"),
    ("13", "class imbalance", "Model; neither resampled nor weighted, prevalence as it is"),
    ("14", "fairness", "Fairness"),
    ("15", "model output and thresholds", "Output"),
    ("16", "training beside evaluation data", "Data; same hospital, other patients"),
    ("17", "ethics", "Data; published, anonymous; no approval of our own was sought"),
    ("18a-18f", "funding, interests, protocol, registration, data, code", "Open science"),
    ("19", "patients and public", "not involved"),
    ("20a-20c", "participants", "Data; Fairness for the test patients' levels"),
    ("21", "numbers per analysis", "Data"),
    ("22", "the full model", "the bundle itself: prefix.onnx, model.onnx, manifest.json"),
    ("23a-23b", "performance, subgroups, clusters", "Performance, Fairness; one centre only"),
    ("24", "updating", "Model, the calibrator"),
    ("25", "interpretation", "Performance: beside comparators on the same rows, where cross-validated"),
    ("26", "limitations", "Limits"),
    ("27a-27c", "poor input, user interaction, next steps", "Use at the bedside; Limits"),
)
"""(item, what it asks for, where the card answers)."""


def table() -> str:
    """Give them as a Markdown table."""
    lines = (f"| {number} | {asked} | {where} |" for number, asked, where in ITEMS)
    return "| item | asks for | answered in |\n|---|---|---|\n" + "\n".join(lines)
