"""Whether the wave earns its place: every model on the same windows of patients that it did not learn from.

In: Windows with their Material, and more waves for the pretraining. Out: log odds of each arm for every
judged window, out of fold; then plain figures by lead, with intervals over patients and paired differences.
Everything is learned anew in each fold: scaling, pretraining, network, trees.

    LightGBM     trend, the archive's own ABP features, our ABP features, all features; over all leads at
                 once, the lead among the inputs, which serves each better than a lead at a time by some .005
    network      once a fold, asked with some waves and without the others
    both         the mean of their log odds
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from barocast.calibration.bootstrap import DRAWS
from barocast.calibration.figures.comparison import compared
from barocast.calibration.folds import FOLDS, fold_of
from barocast.export.waves.learning import answers, learn
from barocast.export.waves.morphology import ABP, NAMES, TREND
from barocast.export.waves.network import MODALITIES, columns
from barocast.export.waves.windows import LEADS_S, UNKNOWN, counts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from barocast.export.waves.learning import LearningSettings
    from barocast.export.waves.material import Material
    from barocast.export.waves.windows import Windows

    Scores = dict[str, NDArray[np.float64]]

BOOSTING: Final = MappingProxyType(
    {
        "objective": "binary",
        "learning_rate": 0.03,
        "num_leaves": 15,
        "min_data_in_leaf": 40,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "feature_fraction": 0.4,
        "lambda_l2": 5.0,
        "num_threads": 1,
        "deterministic": True,
        "seed": 0,
        "verbose": -1,
    }
)
TREES: Final = 400
TREND_ONLY: Final = "LightGBM, trend alone"
ARCHIVE: Final = "LightGBM, archive's ABP features"
TREES_ABP: Final = "LightGBM, ABP morphology"
TREES_ALL: Final = "LightGBM, all morphology"
BOTH_ABP: Final = "network + LightGBM, ABP"
BOTH_ALL: Final = "network + LightGBM, all waves"
OURS: Final = (BOTH_ALL, BOTH_ABP)
"""The models with waveform that the differences are of."""
MUST_BEAT: Final = (TREND_ONLY, ARCHIVE)


def pattern(kept: tuple[str, ...]) -> str:
    """Name the network as it is asked with these waves."""
    return f"network, {' + '.join(kept) if kept else 'trend alone'}"


PATTERNS: Final = MappingProxyType(
    {
        pattern(kept): tuple(name for name in MODALITIES if name not in kept)
        for size in range(len(MODALITIES) + 1)
        for kept in combinations(MODALITIES, size)
    }
)
"""Arm of the network -> modalities that it is asked without."""


@dataclass(frozen=True, slots=True)
class Study:
    """What is judged and what may teach."""

    windows: Windows
    material: Material
    """Row for row with the windows."""
    more: Material
    """Waves of nobody in the windows, for the pretraining alone."""


def cross_validate(
    study: Study, settings: LearningSettings, work: Path, say: Callable[[str], None]
) -> tuple[Windows, Scores]:
    """Give the judged windows and each arm's log odds (n,) for them; finished folds are read from `work`."""
    fold = fold_of(study.windows.subject)
    judged = study.windows.judged
    parts = [_kept_fold(study, fold, held, settings, work, say) for held in range(FOLDS)]
    scores = {name: np.full(len(fold), np.nan) for name in parts[0]}
    for held, part in enumerate(parts):
        for name, values in part.items():
            scores[name][judged & (fold == held)] = values
    return study.windows.take(judged), {name: values[judged] for name, values in scores.items()}


def figures(windows: Windows, scores: Scores, draws: int = DRAWS) -> dict[str, Any]:
    """Give lead -> rows, patients, prevalence, and what each of OURS has over every arm, as plain values."""
    return {str(lead): _of_lead(windows, scores, windows.lead_s == lead, draws) for lead in LEADS_S}


def summary(study: Study, scores: tuple[Windows, Scores], settings: LearningSettings) -> dict[str, Any]:
    """Give the whole report."""
    judged = scores[0]
    return {
        "design": "case-control: not the performance in life",
        "windows": counts(study.windows),
        "patients": len(np.unique(judged.subject)),
        "cases": len(np.unique(judged.case)),
        "icu_windows": len(study.more),
        "settings": repr(settings),
        "leads": figures(*scores),
    }


def _of_lead(windows: Windows, scores: Scores, rows: NDArray[np.bool_], draws: int) -> dict[str, Any]:
    of, label = windows.take(rows), windows.label[rows].astype(np.float64)
    given = {name: values[rows] for name, values in scores.items()}
    beside = {
        ours: compared(label, {ours: given[ours], **given}, of.subject, draws)["scores"] for ours in OURS
    }
    return {
        "rows": len(of),
        "patients": len(np.unique(of.subject)),
        "prevalence": float(label.mean()),
        "scores": {
            name: {"auroc": one["auroc"], "auprc": one["auprc"]} for name, one in beside[OURS[0]].items()
        },
        "minus": {
            ours: {name: one["ours_minus"] for name, one in found.items() if name != ours}
            for ours, found in beside.items()
        },
    }


def _kept_fold(
    study: Study,
    fold: NDArray[np.intp],
    held: int,
    settings: LearningSettings,
    work: Path,
    say: Callable[[str], None],
) -> Scores:
    kept = work / f"waves-fold-{held}-{_key(study, settings)}.npz"
    if not kept.is_file():
        scores = score_fold(study, fold == held, settings, lambda text: say(f"fold {held + 1}: {text}"))
        work.mkdir(parents=True, exist_ok=True)
        part = kept.with_name(f"part-{kept.name}")  # a run that is cut off leaves no half of a fold behind
        np.savez(part, **scores)  # type: ignore[arg-type]  # numpy's stub takes the names for its own option
        part.replace(kept)
    with np.load(kept) as archive:
        return {name: archive[name] for name in archive.files}


def _key(study: Study, settings: LearningSettings) -> str:
    """Name what a fold's scores come from: settings, features and labels."""
    asked = repr((settings, TREES, dict(BOOSTING), NAMES, counts(study.windows), len(study.more)))
    learned = study.material.features.tobytes() + study.material.label.tobytes()
    return hashlib.sha256(asked.encode() + learned).hexdigest()[:12]


def score_fold(
    study: Study, held: NDArray[np.bool_], settings: LearningSettings, say: Callable[[str], None]
) -> Scores:
    """Give each arm's log odds for the judged windows that are `held` (n,), learned from the others alone."""
    judged, known = study.windows.judged, study.windows.verdict != UNKNOWN
    trees = _trees(study, judged & ~held, judged & held)
    say("trees scored")
    wider = study.material.take(known & ~held).beside(study.more)
    network = learn(study.material.take(judged & ~held), wider, settings, say)
    asked = study.material.take(judged & held)
    networks = {name: answers(network, asked, without) for name, without in PATTERNS.items()}
    both = {
        BOTH_ALL: (networks[pattern(tuple(MODALITIES))] + trees[TREES_ALL]) / 2,
        BOTH_ABP: (networks[pattern(("abp",))] + trees[TREES_ABP]) / 2,
    }
    return both | trees | networks


def _trees(study: Study, taught: NDArray[np.bool_], asked: NDArray[np.bool_]) -> Scores:
    features = study.material.features
    arms = {
        TREND_ONLY: features[:, columns(TREND)],
        ARCHIVE: study.windows.table,
        TREES_ABP: features[:, columns(ABP)],
        TREES_ALL: features,
    }
    lead, label = study.material.lead[:, None].astype(np.float32), study.material.label
    return {name: _boosted(np.hstack([seen, lead]), label, taught, asked) for name, seen in arms.items()}


def _boosted(
    features: NDArray[np.float32],
    label: NDArray[np.float32],
    taught: NDArray[np.bool_],
    asked: NDArray[np.bool_],
) -> NDArray[np.float64]:
    import lightgbm  # noqa: PLC0415 `validate` extra

    trees = lightgbm.train(dict(BOOSTING), lightgbm.Dataset(features[taught], label[taught]), TREES)
    return np.asarray(trees.predict(features[asked], raw_score=True, num_threads=1))
