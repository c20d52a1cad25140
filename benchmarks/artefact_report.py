"""The page of `artefacts`: what was found of every insertion, counted. No row of a case is on it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.artefacts import Found

MUST: Final = ("flush", "zeroing", "disconnected")
"""On these no forecast alarm may ever be issued, and each must be seen."""
TEXT: Final = """# Artefacts put into real series

`make bench ARGS=artefacts` on {machine}; seed {seed}.

{total:,} artefacts in {hosts} cases, at random places, each against its twin without it. Cases are played
turn by turn (1 s) through the bed of `barocast run` with the shipped bundle. {must:,} of them are flush,
zeroing or disconnection: **{made} forecast alarms were made by one of these; {seen} of the {full:,} that
the feed told in full were shown as `signal not usable` for a fitting reason, {in_time} of them in time**.
{during} alarms were raised while one lasted; {alone} within the 15 min after one that the twin does not
have, {gap} of them because data are missing (they come as well where the stretch is left out) and {brink}
where the twin's own risk was on the brink (above p_off).

## Flush, zeroing, disconnection

{must_table}

## Damping, clamping, change of level

{other_table}

- *in full*: the feed told at least one value of nothing but the artefact, of a kind that such a feed can
  recognise. A monitor's numbers are averages (4 to 12 s here): a short flush never shows by itself in them.
  A mean alone cannot tell a damped or clamped line from a steady patient, and nothing can tell a transducer
  that was moved from a change of pressure: alarms on these are forecasts on what the monitor shows, and are
  not held against anybody.
- *shown*: of those in full. *in time*: of those shown, within the average of the feed, one of its periods
  and 2 s (waves: 5 s and 2 s; a clamped line's pulse takes 5 s more to die).
- *alarms on it*: forecast alarms raised from its beginning to the end of the last window that holds it (15
  min), where the twin shows none within 5 min: during it + after it. *by the gap*: of these, as many are
  raised as well when the stretch is simply missing; they tell of less data, not of an artefact that was
  believed. *brink*: of the others, the twin's own risk, or the one with the stretch missing, is above p_off
  there: some hundredths decide. *made*: the rest. Goal: 0 on flush, zeroing and disconnection.
- *lost*: alarms of the twin without one within 5 min here.

## Decisions that became abstentions

{abstained}

## What the series are

{forms}
"""
ABOUT: Final = """- *MAP alone, 10 s*: the operations' own MAP. Nothing else is known of these cases.
- *three numbers, 1 s*: the same with lines drawn between its points, and a pulse pressure **of our making**.
- *three numbers, 1 s, measured*: three operations whose systole and diastole were published (smoothed by the
  authors), and the monitor of a fourth.
- *wave*: ICU records of 5 min (PhysioNet Challenge 2015) told again and again, and one operation of half an
  hour, raised by 22 mmHg, since of a patient who is hypotensive no forecast is made.
- *wave and three numbers*: the same waves, and beside them numbers that are averaged as a monitor does."""
HEAD: Final = (
    "series",
    "artefact",
    "n",
    "in full",
    "shown",
    "in time",
    "delay p50 / p99 / max, s",
    "alarms on it",
    "by the gap",
    "brink",
    "made",
    "lost",
)


def report(found: Sequence[Found], hosts: int, machine: str, seed: int) -> str:
    """Give the page."""
    must = [one for one in found if one.kind in MUST]
    full = [one for one in must if one.told_in_full]
    return TEXT.format(
        machine=machine,
        seed=seed,
        total=len(found),
        hosts=hosts,
        must=len(must),
        made=sum(_made(one) for one in must),
        during=sum(one.during for one in must),
        alone=sum(one.during + one.after for one in must),
        gap=sum(one.by_gap for one in must),
        brink=sum(one.at_brink for one in must),
        full=len(full),
        seen=sum(one.seen for one in full),
        in_time=sum(one.in_time for one in full),
        must_table=_table(must),
        other_table=_table(one for one in found if one.kind not in MUST),
        abstained=_abstained(found),
        forms=ABOUT,
    )


def _table(found: Iterable[Found]) -> str:
    kept = list(found)
    kinds = list(dict.fromkeys((one.form, one.kind) for one in sorted(kept, key=lambda f: (f.form, f.kind))))
    rows = [_row(form, kind, [f for f in kept if (f.form, f.kind) == (form, kind)]) for form, kind in kinds]
    return "\n".join([_line(HEAD), _line(["---"] * len(HEAD)), *rows])


def _row(form: str, kind: str, found: list[Found]) -> str:
    full = [one for one in found if one.told_in_full]
    shown = [one for one in full if one.seen]
    cells = (
        form,
        kind,
        len(found),
        len(full),
        f"{len(shown)}",
        sum(one.in_time for one in shown),
        _delays([one.delay_s for one in shown]),
        f"{sum(one.during for one in found)} + {sum(one.after for one in found)}",
        sum(one.by_gap for one in found),
        sum(one.at_brink for one in found),
        sum(_made(one) for one in found),
        sum(one.lost for one in found),
    )
    return _line(cells)


def _made(one: Found) -> int:
    """Count the alarms that nothing but the artefact explains."""
    return one.during + one.after - one.by_gap - one.at_brink


def _delays(delays_s: list[float]) -> str:
    if not delays_s:
        return "-"
    p50, p99 = np.quantile(delays_s, (0.5, 0.99))
    return f"{p50:.0f} / {p99:.0f} / {max(delays_s):.0f}"


def _abstained(found: Iterable[Found]) -> str:
    kinds: dict[str, Counter[str]] = {}
    for one in found:
        kinds.setdefault(one.kind, Counter()).update(one.abstained)
    return "\n".join(
        f"- {kind}: " + (", ".join(f"{why} {n}" for why, n in sorted(counts.items())) or "none")
        for kind, counts in sorted(kinds.items())
    )


def _line(cells: Iterable[object]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"
