"""What a manifest must say for this version to mean it: a table of rules, each with its own reason.

In: a Manifest whose signature and types were read. Out: the reason of the first rule that it breaks, or
None. A signature only says who made a bundle; a model of another grid, event or layout would run here
and mean something else, so it is refused before its graph is ever loaded.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from barocast.calibration.events import HYPOTENSION
from barocast.runtime.bundle_files import MODEL, PREFIX
from barocast.runtime.domain import HORIZONS_MIN
from barocast.runtime.prompt import TEMPLATE_VERSION
from barocast.runtime.timeline import STEP_S, WINDOW_MIN, WINDOW_STEPS
from barocast.runtime.tokens import TREND_CHANNEL, TREND_FEATURES, TREND_MINUTES
from barocast.runtime.tracks import CHANNELS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from barocast.runtime.manifest import Manifest

QUANTILES: Final = 3
"""10 %, 50 % and 90 % of the MAP forecast."""
TOLERANCE_CAP: Final = 0.05
"""Known answers further off than this would no longer tell a broken machine from a sound one."""
MOST_TOKENS: Final = 512
"""Of a text: four times what the template and its notes fill."""
MEMORY_CAP: Final = 1 << 21
"""Numbers of all memory tensors of one text: twice the keys and values of six layers of width 768 over 128
tokens. An engine keeps those of every bed (engines.remembered)."""
MEMORY_DIMENSIONS: Final = 8
"""Of a tensor: what TensorRT takes."""


def broken_rule(manifest: Manifest) -> str | None:
    """Give the reason of the first rule that the manifest breaks."""
    return next((f"{name} must be {said}" for name, rule, said in _RULES if not _holds(rule, manifest)), None)


def expected_shapes(manifest: Manifest) -> dict[str, tuple[int, ...]]:
    """Give the shape of everything that this version feeds and reads; of `text`, the length that it says."""
    window = (1, len(manifest.channels), WINDOW_STEPS)
    return {
        "series": window,
        "mask": window,
        "trend": (1, len(TREND_MINUTES) + 1, len(TREND_FEATURES)),
        "text": manifest.shapes["text"],
        **output_shapes(manifest),
    }


def graph_shapes(manifest: Manifest) -> dict[str, dict[str, tuple[int, ...]]]:
    """Give file -> name -> shape of the inputs and outputs that the manifest says its graph has."""
    tick, memory = dict(manifest.shapes), dict(manifest.memory)
    if not memory:
        return {MODEL: tick}
    return {PREFIX: {"text": tick.pop("text")} | memory, MODEL: tick | memory}


def output_shapes(manifest: Manifest) -> dict[str, tuple[int, ...]]:
    """Give the shape of what a tick gives, batch 1 in front."""
    return {
        "logits": (1, len(manifest.horizons_min)),
        "quantiles": (1, QUANTILES, len(manifest.forecast_minutes)),
        "gates": (1, len(manifest.gates)),
    }


def _holds(rule: Callable[[Manifest], bool], manifest: Manifest) -> bool:
    """Ask one rule; a value of a type that cannot even be compared breaks it."""
    try:
        return rule(manifest)
    except TypeError:
        return False


def _named(given: object) -> bool:
    """Say whether it is a tuple of distinct, non-empty names."""
    words = given if isinstance(given, tuple) else (None,)
    return all(isinstance(word, str) and word for word in words) and len(set(words)) == len(words)


def _known_channels(manifest: Manifest) -> bool:
    channels = manifest.channels
    return _named(channels) and TREND_CHANNEL in channels and CHANNELS.keys() >= set(channels)


def _rising(minutes: tuple[float, ...]) -> bool:
    edges = (0.0, *minutes, float("inf"))
    return bool(minutes) and all(before < after for before, after in pairwise(edges))


def _text_of_tokens(shapes: Mapping[str, tuple[int, ...]]) -> bool:
    shape = shapes.get("text", ())
    return shape[:1] == (1,) and len(shape[1:]) == 1 and _whole(shape[1]) and 1 <= shape[1] <= MOST_TOKENS


def _memory(manifest: Manifest) -> bool:
    """Say whether it is few numbers under free names; none at all is as good."""
    given = manifest.memory
    if not all(given) or given.keys() & manifest.shapes.keys() or not all(map(_tensor, given.values())):
        return False
    return sum(map(math.prod, given.values())) <= MEMORY_CAP


def _tensor(shape: tuple[int, ...]) -> bool:
    sizes = all(_whole(size) and size > 0 for size in shape)
    return sizes and shape[:1] == (1,) and len(shape) <= MEMORY_DIMENSIONS


def _whole(given: object) -> bool:
    return isinstance(given, int) and not isinstance(given, bool)


_RULES: Final[tuple[tuple[str, Callable[[Manifest], bool], str], ...]] = (
    ("id", lambda m: isinstance(m.id, str) and bool(m.id.strip()), "a word"),
    ("sequence", lambda m: _whole(m.sequence) and m.sequence >= 1, "a whole number from 1"),
    ("text_template", lambda m: m.text_template == TEMPLATE_VERSION, f"{TEMPLATE_VERSION!r}"),
    ("horizons_min", lambda m: m.horizons_min == HORIZONS_MIN, f"{HORIZONS_MIN}"),
    ("event", lambda m: m.event == HYPOTENSION, f"{HYPOTENSION}"),
    ("step_s", lambda m: m.step_s == STEP_S, f"{STEP_S:g}"),
    ("window_min", lambda m: m.window_min == WINDOW_MIN, f"{WINDOW_MIN:g}"),
    ("channels", _known_channels, f"known channels, each once, {TREND_CHANNEL} among them"),
    ("gates", lambda m: _named(m.gates), "distinct names"),
    ("forecast_minutes", lambda m: _rising(m.forecast_minutes), "strictly rising minutes above 0"),
    ("shapes.text", lambda m: _text_of_tokens(m.shapes), f"(1, n) with n from 1 to {MOST_TOKENS}"),
    (
        "memory",
        _memory,
        f"tensors of other names than shapes, of at most {MEMORY_CAP} numbers, batch 1 in front",
    ),
    ("shapes", lambda m: dict(m.shapes) == expected_shapes(m), "those of its channels, minutes and gates"),
    ("alarm.horizon_min", lambda m: m.alarm.horizon_min in m.horizons_min, f"one of {HORIZONS_MIN}"),
    ("alarm.trigger", lambda m: _whole(m.alarm.trigger.k) and _whole(m.alarm.trigger.n), "of whole k and n"),
    (
        "known_answer_tolerance",
        lambda m: 0 < m.known_answer_tolerance <= TOLERANCE_CAP,
        f"above 0 and at most {TOLERANCE_CAP}",
    ),
)
"""(field, whether it holds, what it must be), in the order in which they are asked."""
