"""The whole validation: cases and a bundle -> the report as plain values.

    split      patients who taught the bundle anything are never judged
    play       every case through the bedside's pipeline, the judged ones once more for every damage
    compare    comparators fitted by patient, on the very same rows
    figures    calibration.figures, section by section

No clock and no random source but seeded ones: the same cases and bundle give the same report, digit by digit.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from barocast.calibration.comparators import COMPARATORS, UNFITTED
from barocast.calibration.figures.all_windows import Windows
from barocast.calibration.folds import FOLDS, cross_fit, fold_of
from barocast.export.validation.gather import Heard, gather, judged
from barocast.export.validation.score_file import read_scores
from barocast.export.validation.sections import Evidence, make_sections
from barocast.export.validation.workers import each
from barocast.runtime.bundle import Bundle, read_bundle
from barocast.runtime.domain import HORIZONS_MIN
from barocast.runtime.errors import InputError
from barocast.runtime.pipeline import EVERY_S
from barocast.runtime.timeline import STEP_S
from barocast.runtime.trust import revoked, trusted_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from barocast.calibration.judged import Judged
    from barocast.export.validation.gather import Account, Source
    from barocast.export.validation.study_case import StudyCase
    from barocast.export.validation.workers import Workforce

    Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked of a validation."""

    source: Source
    workforce: Workforce
    draws: int
    scores: Path | None = None
    """CSV of other people's scores (score_file)."""
    damaged: bool = True
    """Whether the judged cases are also played with every damage: most of the time goes there."""


def study(cases: Sequence[StudyCase], plan: Plan, progress: Progress) -> dict[str, Any]:
    """Give the report. `progress(stage, done, total)` is called as work gets done. Raises InputError."""
    bundle = read_bundle(plan.source.bundle, trusted_keys(plan.source.trust).values(), revoked())
    held = np.array([not _taught(bundle, case) for case in cases], dtype=np.bool_)
    if not held.any():
        raise InputError(
            f"every one of {len(cases)} cases taught the bundle {bundle.manifest.id}; give others' cases"
        )
    accounts = _accounts(cases, held, bundle, plan, progress)
    rows = judged(cases, [account.played for account in accounts])
    if not len(rows.of_cases(held)):
        raise InputError(
            f"none of the {held.sum()} cases that taught nothing can be judged: 15 min with MAP come first; "
            "give longer cases"
        )
    rows = replace(rows, others=_comparators(rows, accounts, plan, progress))
    ours = rows.of_cases(held)
    theirs = read_scores(plan.scores, ours, {case.case_id for case in cases}) if plan.scores else {}
    heard = [account for account, of_others in zip(accounts, held, strict=True) if of_others]
    evidence = Evidence(
        ours=ours,
        theirs=theirs,
        everyone=_bare(rows),
        variants={name: np.concatenate([a.variants[name] for a in heard]) for name in heard[0].variants},
        parent=_parent_of(heard),
        windows=_windows(ours, heard),
        alarm=bundle.manifest.alarm,
        forecast_minutes=bundle.manifest.forecast_minutes,
        draws=plan.draws,
    )
    sections = make_sections(evidence, plan.workforce, lambda total: progress("computing figures", 1, total))
    about = _about(bundle, cases, held, ours, heard)
    return {"about": about | {"patients_of_comparators": np.unique(rows.subjects).size}, **sections}


def _taught(bundle: Bundle, case: StudyCase) -> bool:
    learned = bundle.manifest.learned_from
    return learned is not None and bool(learned.taught(case.source, case.subject_id))


def _accounts(
    cases: Sequence[StudyCase], held: NDArray[np.bool_], bundle: Bundle, plan: Plan, progress: Progress
) -> list[Account]:
    """Play every case, the judged ones with every damage."""
    wanted = [
        Heard(case, answered=of_others, stressed=of_others and plan.damaged)
        for case, of_others in zip(cases, held.tolist(), strict=True)
    ]
    source = replace(plan.source, model_sha256=bundle.graphs_sha256)
    played = gather(wanted, source, plan.workforce, lambda: progress("playing cases", 1, len(cases)))
    _refuse_copies(cases, played)
    return played


def _refuse_copies(cases: Sequence[StudyCase], accounts: Sequence[Account]) -> None:
    """Raise InputError where two cases hold one series: a copy may stand on both sides of a split."""
    seen: dict[bytes, str] = {}
    for case, account in zip(cases, accounts, strict=True):
        first = seen.setdefault(hashlib.sha256(account.played.map_mmhg.tobytes()).digest(), case.case_id)
        if first != case.case_id:
            raise InputError(
                f"cases {first!r} and {case.case_id!r} hold the very same series; keep one of them"
            )


def _comparators(
    rows: Judged, accounts: Sequence[Account], plan: Plan, progress: Progress
) -> dict[str, NDArray[np.float64]]:
    """Give comparators' out-of-fold scores: of those that learn, where the patients are enough for folds."""
    fold = fold_of(rows.subjects)
    fitted = len(np.unique(fold)) == FOLDS and _can_be_fitted(rows.labels, fold)
    names = tuple(COMPARATORS) if fitted else UNFITTED

    def spread(
        work: Callable[[tuple[str, int]], NDArray[np.float64]], tasks: Sequence[tuple[str, int]]
    ) -> Iterator[NDArray[np.float64]]:
        for answer in each(work, tasks, plan.workforce):
            progress("fitting comparators", 1, len(tasks))
            yield answer

    features = np.concatenate([account.features for account in accounts])
    return cross_fit(names, features, rows.labels, fold, HORIZONS_MIN, spread)


def _can_be_fitted(labels: NDArray[np.float64], fold: NDArray[np.intp]) -> bool:
    """Say whether every fold leaves rows with and without an event to learn from, at every horizon."""
    learned = (labels[fold != number] for number in np.unique(fold))
    return all(((rows == 1).any(axis=0) & (rows == 0).any(axis=0)).all() for rows in learned)


def _bare(rows: Judged) -> Judged:
    """Leave out the forecasts, which are most of what would have to be sent to workers."""
    nothing = np.empty((len(rows), 0))
    return replace(rows, quantiles=nothing, future=nothing)


def _windows(ours: Judged, heard: Sequence[Account]) -> Windows:
    """Put every moment of the judged cases together; `heard` are the accounts of the cases of `ours`."""
    played = [account.played for account in heard]
    return Windows(
        subjects=np.repeat([case.subject_id for case in ours.cases], [len(one.window_p) for one in played]),
        labels=np.concatenate([one.window_labels for one in played]),
        p=np.concatenate([one.window_p for one in played]),
    )


def _parent_of(heard: Sequence[Account]) -> NDArray[np.float64] | None:
    parts = [account.parent for account in heard if account.parent is not None]
    return np.concatenate(parts) if parts else None


def _about(
    bundle: Bundle,
    cases: Sequence[StudyCase],
    held: NDArray[np.bool_],
    ours: Judged,
    heard: Sequence[Account],
) -> dict[str, Any]:
    """Say what was judged: nothing that names a patient."""
    learned = bundle.manifest.learned_from
    unanswered = sum((Counter(account.played.unanswered) for account in heard), Counter[str]())
    uses = Counter(
        use
        for case in cases
        if learned is not None
        for use in learned.taught(case.source, case.subject_id) or ("nothing",)
    )
    return {
        "bundle": bundle.manifest.id,
        "model_sha256": bundle.graphs_sha256,
        "intended_use": bundle.manifest.intended_use,
        "event": asdict(bundle.manifest.event),
        "sources": sorted({case.source for case in cases}),
        "learned_from": None if learned is None else {"source": learned.source, "uses": sorted(learned.uses)},
        "cases_by_what_they_taught": dict(sorted(uses.items())),
        "judged": {
            "cases": int(held.sum()),
            "patients": len({case.subject_id for case in ours.cases}),
            "hours": sum(case.map_mmhg.size for case in ours.cases) * STEP_S / 3600,
            "onsets": int(sum(case.onsets_s.size for case in ours.cases)),
            "landmarks": len(ours),
            "answered": float(ours.answered.mean()) if len(ours) else float("nan"),
            "unanswered": dict(sorted(unanswered.items())),
            "cases_without_landmarks": sum(account.played.at.size == 0 for account in heard),
            "hours_before_a_gap": sum(account.played.forgotten for account in heard) * EVERY_S / 3600,
        },
    }
