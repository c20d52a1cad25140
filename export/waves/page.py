"""The waveform branch's report, plain values, as a Markdown page that stands alone: the warning first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from barocast.export.waves.judged import MUST_BEAT, OURS
from barocast.export.waves.windows import JUDGED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


NOTES: Final = """## Notes

- The network is one, taught once a fold with waves dropped at random and asked here with each set of waves:
  its rows say what an absent wave costs. It learns first without labels, from the training patients' windows,
  judged or not, and {icu} ICU windows: to tell the morphology of a wave with stretches
  blanked, and to draw them.
- *Archive's ABP features* came with the windows. *Morphology* is computed here from the raw wave, with the
  beat detector of the bedside.
- A window before an onset may lie before surgery has begun; one mid-way in a stable stretch hardly ever does.
  Capnogram and pleth can tell the phase of a case as well as its physiology.
- Tried beside this table, on the first fold alone: three epochs of such lessons before six of labels, and
  none. With them the network with all waves was worse at one lead and better at two by next to nothing:
  they do not help here; one epoch stays, five of labels. No other setting was compared.
- One hospital, general anaesthesia, an arterial line; treated and untreated falls look alike.
"""
"""What every reader has to know; `icu` is a number of windows."""


def page(report: Mapping[str, Any]) -> str:
    """Give the whole page."""
    leads = report["leads"]
    left_out = "; ".join(f"{n:,} {why}" for why, n in report["windows"].items() if why != JUDGED)
    return f"""# What the waveform adds

**Case-control: not the performance in life.** A third of the windows were chosen because hypotension
followed; the others lie mid-way in 20 min or more without. Both the AUROC and the share of events flatter.
The figures below compare models on the same windows and say nothing else.

`barocast train waves`: 30 s windows of VitalDB, 5, 10 and 15 min before an onset of MAP < 65 mmHg, or without
one. Judged: {report["windows"][JUDGED]:,} windows of {report["patients"]:,} patients
({report["cases"]:,} cases). Left out: {left_out or "none"}.

{_samples(leads)}

5 folds by patient, everything that learns learned anew in each. Brackets are 95 % intervals of a bootstrap
over patients; differences are paired on the same draws. Every model learns from all leads at once and is told
the lead. The trend is the mean pressure of the same 30 s: level, slope, spread, lowest 5 s. Nothing else is
known of the patient: no static text, no drugs.

## AUROC

{_table(leads, "scores", lambda one: _interval(one["auroc"]))}

## What the models with waveform have over the others

{_differences(leads)}

## The line of the issue

{_verdicts(leads)}

{NOTES.format(icu=f"{report['icu_windows']:,}")}"""


def _samples(leads: Mapping[str, Any]) -> str:
    rows = [
        f"| {int(lead) // 60} min | {one['rows']:,} | {one['patients']:,} | {one['prevalence']:.1%} |"
        for lead, one in leads.items()
    ]
    return "\n".join(["| lead | windows | patients | before an onset |", "|---|---|---|---|", *rows])


def _differences(leads: Mapping[str, Any]) -> str:
    parts = [
        f"*{ours}*, minus:\n\n" + _table({lead: one["minus"] for lead, one in leads.items()}, ours, _interval)
        for ours in OURS
    ]
    return "\n\n".join(parts)


def _table(leads: Mapping[str, Any], of: str, cell: Callable[[Any], str]) -> str:
    """Give a row for each name under `of`, a column for each lead."""
    first, *_ = leads.values()
    head = ["| model | " + " | ".join(f"{int(lead) // 60} min" for lead in leads) + " |"]
    head.append("|---" * (len(leads) + 1) + "|")
    rows = [
        f"| {name} | " + " | ".join(cell(one[of][name]) for one in leads.values()) + " |"
        for name in first[of]
    ]
    return "\n".join(head + rows)


def _verdicts(leads: Mapping[str, Any]) -> str:
    """Say of each model with waveform and each that it must beat whether it does, at every lead."""
    return "\n".join(
        f"- *{ours}* beats *{other}* at every lead: {_verdict(leads, ours, other)}."
        for ours in OURS
        for other in MUST_BEAT
    )


def _verdict(leads: Mapping[str, Any], ours: str, other: str) -> str:
    short = [
        f"{int(lead) // 60} min" for lead, one in leads.items() if not one["minus"][ours][other]["low"] > 0
    ]
    return f"no (not at {', '.join(short)})" if short else "yes (each interval above 0)"


def _interval(found: Mapping[str, float]) -> str:
    return f"{found['value']:.3f} [{found['low']:.3f}, {found['high']:.3f}]"
