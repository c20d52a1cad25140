"""How long and how fast a network is taught."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

from barocast.runtime.errors import SettingsError

EVERY: Final = ("note_every", "watch_every", "save_every")


@dataclass(frozen=True, slots=True)
class SchoolSettings:
    """Of one training. All but `save_every` decide the result, and so a checkpoint is bound to them."""

    steps: int = 2000
    learning_rate: float = 1e-3
    """At its highest, after the warm-up."""
    weight_decay: float = 0.05
    """Of matrices; vectors (biases, norms, gates) are never decayed."""
    warm_up: float = 0.1
    """Share of the steps over which the rate climbs, before it falls along a cosine to 0."""
    gradient_limit: float = 1.0
    """Largest norm of a step's whole gradient."""
    averaging: float = 0.995
    """Decay of the running average of weights, which is what is kept at the end."""
    note_every: int = 20
    """Steps between two points of the curve."""
    watch_every: int = 200
    """Steps between two looks at the watched figures."""
    save_every: int = 200
    """Steps between two checkpoints."""
    precision: Literal["no", "bf16", "fp16"] | None = None
    """Of the arithmetic; None takes what `accelerate launch` or `accelerate config` says."""
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        faults = {
            name: f"must be {wanted}"
            for name, wanted, met in (
                *((n, "at least 1", getattr(self, n) >= 1) for n in ("steps", *EVERY)),
                ("learning_rate", "above 0", 0 < self.learning_rate < math.inf),
                ("weight_decay", "0 or more", 0 <= self.weight_decay < math.inf),
                ("gradient_limit", "above 0", self.gradient_limit > 0),
                ("warm_up", "0 to 1", 0 <= self.warm_up <= 1),
                ("averaging", "0 or more and below 1", 0 <= self.averaging < 1),
                ("seed", "0 or more", self.seed >= 0),
            )
            if not met
        }
        for name, fault in faults.items():
            raise SettingsError(f"training: {name} {getattr(self, name)}: {fault}")

    def rate(self, step: int) -> float:
        """Give the learning rate of a step, 0 for the first."""
        climb = max(1, round(self.warm_up * self.steps))
        if step < climb:
            return self.learning_rate * (step + 1) / climb
        return self.learning_rate * (1 + math.cos(math.pi * (step - climb) / (self.steps - climb))) / 2
