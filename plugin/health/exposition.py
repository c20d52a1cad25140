"""Prometheus' text format 0.0.4, written and read: families of samples to lines, and lines back to values.

    # HELP barocast_data_age_seconds Age of the newest value of a channel.
    # TYPE barocast_data_age_seconds gauge
    barocast_data_age_seconds{bed="or-3",channel="ABP_MEAN"} 1.2

`render(families) -> text`; `read(text) -> Readings`, which leaves out whatever is no sample. Our own, because
the box needs no registry, no collector and no server, and `doctor` has to read what the service wrote.

Source: prometheus.io/docs/instrumenting/exposition_formats, text format.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable

Labels: TypeAlias = Mapping[str, str]

GAUGE: Final = "gauge"
COUNTER: Final = "counter"
HISTOGRAM: Final = "histogram"
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n"}
_SAMPLE: Final = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? ([^ ]+)")
_LABEL: Final = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
_ESCAPED: Final = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of a family."""

    value: float
    labels: Labels = field(default_factory=dict)
    suffix: str = ""
    """What follows the family's name: `_bucket`, `_sum`, `_count` of a histogram."""


@dataclass(frozen=True, slots=True)
class Family:
    """Samples of one name."""

    name: str
    kind: str
    """GAUGE, COUNTER or HISTOGRAM."""
    about: str
    """One sentence."""
    samples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class Readings:
    """What a text says."""

    samples: Mapping[str, list[tuple[Labels, float]]] = field(default_factory=dict)
    """Name -> labels and value of each sample."""

    def value(self, name: str, **labels: str) -> float:
        """Give the sum over the samples that have these labels; NaN where there is none."""
        found = [value for have, value in self.samples.get(name, ()) if labels.items() <= have.items()]
        return sum(found) if found else math.nan

    def by(self, name: str, label: str, **labels: str) -> dict[str, float]:
        """Give value of `label` -> sum over the samples that have `labels` too."""
        found = [have for have, _ in self.samples.get(name, ()) if labels.items() <= have.items()]
        return {
            have[label]: self.value(name, **{label: have[label]}, **labels) for have in found if label in have
        }


def render(families: Iterable[Family]) -> str:
    """Give the text; a family without samples is left out."""
    return "".join(_family(family) for family in families if family.samples)


def read(text: str) -> Readings:
    """Read a text."""
    samples: dict[str, list[tuple[Labels, float]]] = {}
    for line in text.splitlines():
        found = _SAMPLE.fullmatch(line)
        if found is None:
            continue
        name, labels, value = found.groups()
        try:
            samples.setdefault(name, []).append((_read_labels(labels or ""), float(value)))
        except ValueError:
            continue
    return Readings(samples)


def _family(family: Family) -> str:
    head = f"# HELP {family.name} {family.about}\n# TYPE {family.name} {family.kind}\n"
    return head + "".join(
        f"{family.name}{sample.suffix}{_labels(sample.labels)} {_number(sample.value)}\n"
        for sample in family.samples
    )


def _labels(labels: Labels) -> str:
    told = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{told}}}" if told else ""


def _escaped(value: str) -> str:
    return "".join(_ESCAPES.get(letter, letter) for letter in value)


def _number(value: float) -> str:
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return "NaN" if math.isnan(value) else repr(float(value)).removesuffix(".0")


def _read_labels(text: str) -> Labels:
    return {name: _ESCAPED.sub(_unescaped, value) for name, value in _LABEL.findall(text)}


def _unescaped(found: re.Match[str]) -> str:
    return "\n" if found[1] == "n" else found[1]
