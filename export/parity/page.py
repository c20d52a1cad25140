"""A Study -> parity.md: what was compared, whether the limits hold, and by how much, kind by kind."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from barocast.export.parity.agreement import MAX_AUROC_CHANGE, MAX_P_CHANGE, MIN_SAME_DECISIONS
from barocast.export.parity.compare import judged
from barocast.export.parity.layers import OFF_DB, first_off
from barocast.export.parity.ways import DEFAULT, FLOAT, PACKED, REFERENCE
from barocast.runtime.domain import HORIZONS_MIN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from barocast.export.parity.compare import Difference
    from barocast.export.parity.layers import Layer
    from barocast.export.parity.study import Study

WORST: Final = 10
"""Layers that are shown of a way that broke a limit."""
PAGE: Final = """# Parity

`{command}` on {machine}.

Bundle `{bundle}`. Reference: torch, float32, mode `{mode}`; checkpoint SHA-256 `{checkpoint}`; its float
graphs `{prefix_float}` (prefix) and `{tick_float}` (tick). Risks are calibrated; a decision is whether the
risk at the alarm's horizon reaches {threshold:.4f}. Limits: change of AUROC at most {auroc}, of a risk at
most {p}, at least {same} of decisions the same. **{verdict}**

{judged}

Kind by kind: largest change of a risk, largest change of a MAP quantile (mmHg), decisions changed. Where
neither way gives a number they agree; `NaN` says that only one of them does.

{kinds}
{absent}{layers}"""


def page(study: Study, command: str, machine: str) -> str:
    """Give the page."""
    return PAGE.format(
        command=command,
        machine=machine,
        bundle=study.bundle,
        **study.reference,
        threshold=study.threshold,
        auroc=MAX_AUROC_CHANGE,
        p=MAX_P_CHANGE,
        same=f"{MIN_SAME_DECISIONS:.1%}",
        verdict="Every way keeps them." if study.holds else "A way breaks them.",
        judged="\n".join(_judged(judged(study.differences))),
        kinds="\n".join(_kinds(study.differences)),
        absent="".join(f"\nNot compared: {name}: {why}.\n" for name, why in study.absent.items()),
        layers="".join(_took_apart(way, found) for way, found in study.layers.items()),
    )


def _judged(found: Sequence[Difference]) -> Iterator[str]:
    horizons = " / ".join(map(str, HORIZONS_MIN))
    yield from _head(
        "way", "against", "windows", "n", f"dAUROC at {horizons} min", "max dp", "max dMAP, mmHg",
        "decisions changed", "within limits",
    )  # fmt: skip
    for one in found:
        held = ("yes" if one.parity.holds else "**no**") if one.exact == REFERENCE else "-"
        aurocs = " / ".join(_number(change, "+.4f") for change in one.parity.auroc_change)
        told = f"{one.changed} ({1 - one.parity.same_decisions:.2%})"
        yield _row(one.other, one.exact, one.kind, one.parity.rows, aurocs, *_largest(one), told, held)


def _kinds(found: Sequence[Difference]) -> Iterator[str]:
    """One row a kind, one column a pair of ways: the bundle's, and the default of float."""
    whole = {one.kind for one in judged(found)}
    shown = (one for one in found if one.other == f"{FLOAT}, {DEFAULT}" or one.other.startswith(PACKED))
    pairs = list(dict.fromkeys((one.exact, one.other) for one in shown))
    cells = {(one.kind, one.exact, one.other): one for one in found}
    names = [b if a == REFERENCE else f"{b} against {a}" for a, b in pairs]
    yield from _head("windows", "n", *names)
    for kind in dict.fromkeys(one.kind for one in found if one.kind not in whole):
        row = [cells[(kind, *pair)] for pair in pairs]
        said = (" / ".join((*_largest(one), str(one.changed))) for one in row)
        yield _row(kind, row[0].parity.rows, *said)


def _took_apart(way: str, found: Sequence[Layer]) -> str:
    first = first_off(found)
    said = f"`{first.node}` ({first.path})" if first else "none; the error grows through many"
    worst = sorted(found, key=lambda layer: np.nan_to_num(layer.snr_db, nan=-np.inf))[:WORST]
    rows = [_row(f"`{one.node}`", one.operator, one.path, _number(one.snr_db, ".1f")) for one in worst]
    head = _head("node", "operator", "module", "signal to noise, dB")
    return "\n".join(
        [f"\n## {way}, layer by layer", "", f"First node below {OFF_DB:g} dB: {said}.", "", *head, *rows, ""]
    )


def _largest(one: Difference) -> tuple[str, str]:
    return _number(one.parity.max_p_change, ".5f"), _number(one.max_map_change_mmhg, ".3f")


def _number(value: float, shape: str) -> str:
    return "NaN" if math.isnan(value) else format(value, shape)


def _head(*names: str) -> tuple[str, str]:
    return _row(*names), "|" + "---|" * len(names)


def _row(*cells: object) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"
