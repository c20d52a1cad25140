"""The account as a page: one table of arms, one of readings, what was taught and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from barocast.export.ledger.arms import READINGS, TEACHER
from barocast.runtime.domain import HORIZONS_MIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from barocast.export.course.settings import Course

COLUMNS: Final = (
    "arm",
    *(title for minutes in HORIZONS_MIN for title in (f"{minutes} min AUROC", "teacher minus")),
    "MAE, mmHg",
    "80 % band holds",
    "text gate",
    "tuned / all weights, M",
    "s",
)


def page(account: Mapping[str, Any], base: Course, every: int, command: str) -> str:
    """Give the whole page."""
    arms, scores = account["arms"], account["discrimination"]["5"]
    taught = [name for name in arms if name not in READINGS]
    read = [name for name in arms if name in READINGS]
    others = [name for name in scores if name not in arms]
    return f"""# The ledger: what each part is worth

```
{command}
```

On {account["patients"]} patients of VitalDB with a continuous MAP series, {account["rows"]:,} eligible
landmarks{_thinned(every)}, folds by patient, predictions pooled, everything that learns learned anew in each
fold. Brackets are 95 % intervals of a bootstrap over patients; *teacher
minus* is the teacher's AUROC less the arm's, paired on the same draws: an interval above 0 says that the
change costs something. *Barocast* is the student that is shipped, cross-validated.

{_setting(base)}

## Taught anew

{_table(account, taught)}

Seconds are those of all folds on one core; first stages that an arm above had too are taken from it.
{_published(account)}

## The teacher, shown other texts

{_table(account, read)}

## Others, on the same rows

{_table(account, others)}
"""


def _published(account: Mapping[str, Any]) -> str:
    if account["published_auc"] is None:
        return ""
    printed = " / ".join(f"{value:.3f}" for value in account["published_auc"])
    return (
        f"What the paper prints as AUC is the mean of sensitivity and specificity of its alarm, a share\n"
        f">= .6 of a forecast minute; of its preset here that is {printed}.\n"
    )


def _thinned(every: int) -> str:
    return f" (every {every}th of a fold)" if every > 1 else ""


def _setting(base: Course) -> str:
    lesson, network = base.lesson, base.network
    return (
        f"Setting: language model {network.trunk}, {network.layers} layer(s); stages of {base.text_steps} "
        f"batches of descriptions, {base.patch_steps} of masked windows, {base.straight_steps} past the "
        f"language model, {lesson.steps} of {lesson.batch} rows through it."
    )


def _table(account: Mapping[str, Any], names: Iterable[str]) -> str:
    rows = "\n".join(_row(account, name) for name in names)
    return f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}\n{rows}"


def _row(account: Mapping[str, Any], name: str) -> str:
    cells = [name]
    for scores in account["discrimination"].values():
        cells.append(f"{scores[name]['auroc']['value']:.3f}")
        cells.append("" if name == TEACHER else _interval(scores[name]["ours_minus"]))
    figures = account["arms"].get(name)
    if figures is None:
        return f"| {' | '.join(cells)} | | | | | |"
    cells += [
        f"{figures['mae_mmhg']:.2f}",
        f"{figures['coverage_80']:.0%}",
        f"{figures['text_gate']:.2f}",
        f"{figures['tuned'] / 1e6:.2f} / {figures['weights'] / 1e6:.1f}",
        f"{figures['seconds']:.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def _interval(found: Mapping[str, float]) -> str:
    return f"{found['value']:+.3f} [{found['low']:+.3f}, {found['high']:+.3f}]"
