"""TRIPOD+AI (Collins et al., BMJ 2024;385:e078378): where each item is answered, or that it is not.

Out: rows (item, topic, answer). Topics are named in our own words. An item that a validation
on recorded cases cannot answer says so: an empty cell would look like an oversight.
"""

from __future__ import annotations

from typing import Final

_CARD: Final = "the maker's card in the bundle"
_NONE: Final = "not reported: "
ITEMS: Final[tuple[tuple[str, str, str], ...]] = (
    ("1", "title names the study type", "head of this page: validation of a prediction model"),
    ("2", "abstract", "head of this page; model card"),
    ("3a", "clinical context", _CARD),
    ("3b", "target population and use", "model card: intended use; what was judged"),
    ("3c", "known inequalities of health", _NONE + "the sources hold no such field; see subgroups"),
    ("4", "objectives", "head of this page: validation, no development"),
    ("5a", "data sources", "what was judged"),
    ("5b", "dates of the data", _NONE + "give them for your own cases beside this page"),
    ("6a", "setting and centres", "what was judged: sources"),
    ("6b", "who was eligible", "what was judged: eligible landmarks"),
    ("6c", "treatments received", "treatment paradox: drugs and fluids are not recorded"),
    ("7", "preparation of data", "what was judged: the bedside's own pipeline, unchanged"),
    ("8a", "outcome and horizon", "model card: outcome"),
    ("8b", "who assessed the outcome", "computed from the pressure by a fixed rule"),
    ("8c", "blinding of assessment", "the rule sees no forecast"),
    ("9a", "choice of predictors", _CARD),
    ("9b", "definition of predictors", _CARD),
    ("9c", "who assessed the predictors", "monitor and patient file, as recorded"),
    ("10", "sample size", "what was judged; every verdict says where patients are too few"),
    ("11", "missing data", "what was judged: unanswered landmarks; damaged input"),
    ("12a", "use of the data, splits", "what was judged: patients who taught the bundle are left out"),
    ("12b", "handling of predictors", _CARD),
    ("12c", "model type and building", _CARD),
    ("12d", "heterogeneity", "subgroups; damaged input"),
    ("12e", "measures of performance", "all sections"),
    ("12f", "updating", "none: the bundle was judged as it is"),
    ("12g", "how predictions were calculated", "what was judged"),
    ("13", "class imbalance", _CARD + "; prevalence is printed beside every figure"),
    ("14", "fairness", "subgroups"),
    ("15", "output of the model", "risk at 5, 10 and 15 min; quantiles of MAP to 15 min"),
    ("16", "training against evaluation data", "what was judged; " + _CARD),
    ("17", "ethics approval", _NONE + "a site states its own"),
    ("18a-f", "funding, interests, protocol, registration, data, code", _NONE + "code is in the repository"),
    ("19", "patient and public involvement", "none"),
    ("20a", "flow of participants", "what was judged"),
    ("20b", "characteristics", "subgroups: patients and events of each level"),
    ("20c", "comparison with development data", _CARD),
    ("21", "participants and events", "what was judged"),
    ("22", "full model", "the signed bundle; its SHA-256 is in the head of this page"),
    ("23a", "performance with intervals", "discrimination; calibration; alarms; forecast"),
    ("23b", "heterogeneity of performance", "subgroups"),
    ("24", "results of updating", "none"),
    ("25", "interpretation", "what this does not show"),
    ("26", "limitations", "what this does not show; " + _CARD),
    ("27a", "poor or missing input", "damaged input"),
    ("27b", "interaction with users", "docs: configuration, alarms"),
    ("27c", "next steps", "what this does not show"),
)
