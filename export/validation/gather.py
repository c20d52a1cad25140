"""Cases and a bundle -> Judged rows: every case played once, on as many processors as there are.

The work on one case depends on that case and on the bundle's verified bytes alone, so the rows are the same
to the last digit wherever it is done. Raises BundleError, InputError as the parts do.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np

from barocast.calibration.judged import Judged, JudgedCase
from barocast.export.comparator_rows import case_features
from barocast.export.validation.groups import groups_of
from barocast.export.validation.played import NEVER_S, judge, listen
from barocast.export.validation.recorded import events_of
from barocast.export.validation.stress import VARIANTS
from barocast.export.validation.study_case import Series
from barocast.export.validation.workers import each
from barocast.runtime.bundle import Bundle, read_bundle
from barocast.runtime.domain import Fault
from barocast.runtime.engines import OrtEngine
from barocast.runtime.errors import BundleError, InputError, Refused
from barocast.runtime.pipeline import EVERY_S
from barocast.runtime.prompt import describe
from barocast.runtime.timeline import STEP_S
from barocast.runtime.trust import revoked, trusted_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from barocast.export.validation.played import Played, Said
    from barocast.export.validation.stress import Variant
    from barocast.export.validation.study_case import StudyCase
    from barocast.export.validation.workers import Workforce
    from barocast.runtime.domain import Forecast, ModelInput
    from barocast.runtime.engines import Engine


@dataclass(frozen=True, slots=True)
class Source:
    """Where a worker finds the bundle."""

    bundle: Path
    trust: Path | None = None
    """JSON file of further trusted keys."""
    model_sha256: str | None = None
    """Of the graph that the study began with: a worker that finds another one refuses."""
    parent: Path | None = None
    """Float graph that the bundle's was quantized from, to be played beside it."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A case, and what is wanted of it."""

    case: StudyCase
    answered: bool = True
    """Whether the bundle is asked: not of a case that taught it, whose MAP is all that comparators need."""
    stressed: bool = False
    """Whether it is played once more for each of VARIANTS."""


@dataclass(frozen=True, slots=True)
class Account:
    """All that is known of one case once it has been played."""

    played: Played
    features: NDArray[np.float64]
    """(n, calibration.comparators.NUMERIC + STATIC) of its landmarks, for the comparators."""
    variants: dict[str, NDArray[np.float64]]
    """Variant -> (n, horizon) risks where the input was worse; NaN where there was no forecast."""
    parent: NDArray[np.float64] | None = None
    """(n, horizon) risks of the float parent's graph, where there is one."""


def gather(
    wanted: Sequence[Heard],
    source: Source,
    workforce: Workforce,
    done: Callable[[], None] = lambda: None,
) -> list[Account]:
    """Play every case; accounts in the cases' order, made in the order of their cost.

    Raises InputError that names every case without arterial pressure.
    """
    order = sorted(range(len(wanted)), key=lambda number: not wanted[number].stressed)
    accounts: dict[int, Account] = {}
    answers = each(partial(account_of, source=source), [wanted[number] for number in order], workforce)
    for number, account in zip(order, answers, strict=True):
        if account is not None:
            accounts[number] = account
        done()
    silent = [_name(heard.case) for number, heard in enumerate(wanted) if number not in accounts]
    if silent:
        raise InputError(
            f"no arterial mean pressure in {', '.join(silent)}; give ABP_MEAN or an arterial wave, or take "
            "these cases away"
        )
    return [accounts[number] for number in range(len(wanted))]


def account_of(heard: Heard, source: Source) -> Account | None:
    """Play one case with the bundle of `source`, loaded once a process; None without arterial pressure."""
    bundle, engine = _loaded(source)
    case = heard.case
    every_s = EVERY_S if heard.answered else NEVER_S
    said = listen(events_of(case.series), case.patient, bundle, engine, every_s)
    if not np.isfinite(said.map_mmhg).any():
        return None
    played = judge(said)
    starts_s = (case.surgery_start_s - said.started_s, case.anaesthesia_start_s - said.started_s)
    features = case_features(said.map_mmhg, played.at, case.patient, starts_s)
    asked = _AskedAt(engine, frozenset((said.started_s + played.at * STEP_S).tolist()))
    variants = {
        variant.name: _worse(variant, case, bundle, asked, said, played)
        for variant in (VARIANTS if heard.stressed else ())
    }
    parent = _parent(source) if heard.stressed else None
    if parent is None:
        return Account(played, features, variants)
    beside = listen(events_of(case.series), case.patient, bundle, replace(asked, engine=parent))
    return Account(played, features, variants, judge(beside, said).p)


def _name(case: StudyCase) -> str:
    return f"case {case.case_id!r}" if isinstance(case.series, Series) else str(case.series)


def judged(cases: Sequence[StudyCase], played: Sequence[Played]) -> Judged:
    """Put the rows of all cases together, in the cases' order."""

    def joined(name: str) -> NDArray[np.float64]:
        return np.concatenate([getattr(one, name) for one in played])

    return Judged(
        cases=tuple(_case(case, one) for case, one in zip(cases, played, strict=True)),
        case=np.repeat(np.arange(len(played)), [one.at.size for one in played]),
        at=np.concatenate([one.at for one in played]),
        labels=joined("labels"),
        p=joined("p"),
        quantiles=joined("quantiles"),
        future=joined("future"),
        now=joined("now"),
    )


@dataclass(frozen=True, slots=True)
class _AskedAt:
    """An engine that is asked at some moments only: nobody reads what it would say at the others."""

    engine: Engine
    t_s: frozenset[float]

    @property
    def name(self) -> str:
        return self.engine.name

    def run(self, model_input: ModelInput, t_s: float) -> Forecast | Fault:
        return self.engine.run(model_input, t_s) if t_s in self.t_s else Fault(t_s, "not asked")


def _worse(
    variant: Variant, case: StudyCase, bundle: Bundle, engine: Engine, said: Said, played: Played
) -> NDArray[np.float64]:
    """Give the risks where the input is worse in one way; those there are where it changes nothing."""
    patient = variant.patient(case.patient)
    if variant.events is None:
        if describe(patient) == describe(case.patient):
            return played.p
        events = events_of(case.series)
    else:
        events = variant.events(events_of(case.series), case.case_id)
    return judge(listen(events, patient, bundle, engine), said).p


def _case(case: StudyCase, played: Played) -> JudgedCase:
    return JudgedCase(case.case_id, case.subject_id, played.map_mmhg, STEP_S, dict(groups_of(case)))


@cache
def _loaded(source: Source) -> tuple[Bundle, OrtEngine]:
    """Read the bundle where this process runs, which may be another machine."""
    if not source.bundle.is_dir():
        raise BundleError(
            f"{source.bundle}: no bundle there on {socket.gethostname()}; every worker needs it at that path",
            Refused.MISSING,
        )
    bundle = read_bundle(source.bundle, trusted_keys(source.trust).values(), revoked())
    if source.model_sha256 not in {None, bundle.graphs_sha256}:
        raise BundleError(
            f"{source.bundle}: on {socket.gethostname()} it is not this study's bundle; copy that one there",
            Refused.HASH,
        )
    return bundle, OrtEngine(bundle)


@cache
def _parent(source: Source) -> OrtEngine | None:
    """Give the float parent's graph behind the bundle's shapes and calibrator; it owes no known answers."""
    if source.parent is None:
        return None
    bundle, _ = _loaded(source)
    try:
        model = source.parent.read_bytes()
    except OSError as error:
        raise InputError(
            f"--parent {source.parent}: cannot be read ({error.strerror}); name the float graph"
        ) from error
    unasked = {name: array[:0] for name, array in bundle.known_answers.items()}
    return OrtEngine(replace(bundle, model=model, known_answers=unasked))
