"""Troubles to order from a virtual monitor: which, when, and for how long. Plain values.

    parse_order("silence@120+30")     as people write one: KIND@AT_S+DURATION_S
    drawn(seed, kinds, seconds)       a whole plan, the same for the same seed

`troubled.TroubledMonitor` carries a plan out. Raises SettingsError for an order that cannot be meant.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping


class Trouble(str, Enum):
    """What goes wrong between a monitor and its client; the text is what people write."""

    NOISE = "noise"  # bytes are flipped, garbage comes between them
    CUT = "cut"  # stretches of what is sent are lost
    SILENCE = "silence"  # the cable is out: nothing passes either way, the monitor goes on
    REFUSE = "refuse"  # the client is let go, and turned away when it asks again
    REBOOT = "reboot"  # off, then started anew: relative clock, association and requests are gone
    HALF_OPEN = "half-open"  # the peer of a TCP connection vanishes without closing it
    DRIFT = "drift"  # the monitor's clock runs fast or slow
    DEMO = "demo"  # the monitor shows an invented patient


@dataclass(frozen=True, slots=True)
class Order:
    """One trouble."""

    trouble: Trouble
    at_s: float
    """Seconds since the monitor was first asked for anything."""
    duration_s: float
    ms_per_s: float = 1.0
    """Of a drift: how much faster the monitor's clock runs; negative is slower."""

    @property
    def ends_s(self) -> float:
        """When it is over."""
        return self.at_s + self.duration_s

    def holds(self, t_s: float) -> bool:
        """Whether it is there at `t_s`."""
        return self.at_s <= t_s < self.ends_s


LASTS_S: Final[Mapping[Trouble, tuple[float, float]]] = MappingProxyType(
    {
        Trouble.NOISE: (5.0, 20.0),
        Trouble.CUT: (5.0, 20.0),
        Trouble.SILENCE: (3.0, 40.0),
        Trouble.REFUSE: (5.0, 40.0),
        Trouble.REBOOT: (5.0, 30.0),
        Trouble.HALF_OPEN: (20.0, 60.0),
        Trouble.DRIFT: (60.0, 300.0),
        Trouble.DEMO: (10.0, 40.0),
    }
)
"""Shortest and longest that is drawn."""
PAUSE_S: Final = (30.0, 50.0)
"""Between two troubles: longer than any client may take to come back."""
DRIFT_MS_PER_S: Final = (0.3, 1.0)
"""Either way; what monitors really do."""
_WRITTEN: Final = re.compile(r"([a-z-]+)@(\d+(?:\.\d+)?)\+(\d+(?:\.\d+)?)")


def parse_order(text: str) -> Order:
    """Read KIND@AT_S+DURATION_S."""
    found = _WRITTEN.fullmatch(text)
    kinds = ", ".join(trouble.value for trouble in Trouble)
    if found is None:
        raise SettingsError(
            f"fault {text!r}: write KIND@AT_S+DURATION_S, as in silence@120+30; kinds are {kinds}"
        )
    if found[1] not in {trouble.value for trouble in Trouble}:
        raise SettingsError(f"fault {text!r}: there is no {found[1]!r}; kinds are {kinds}")
    return Order(Trouble(found[1]), float(found[2]), float(found[3]))


def drawn(seed: int, kinds: Iterable[Trouble], seconds: float) -> tuple[Order, ...]:
    """Draw a plan: every kind about as often, one at a time; only a clock drifts through all the others."""
    dice = random.Random(seed)  # noqa: S311 - a plan is no secret
    chosen = tuple(kinds)
    decks = (
        tuple(kind for kind in chosen if kind is not Trouble.DRIFT),
        (Trouble.DRIFT,) * (Trouble.DRIFT in chosen),
    )
    orders = [order for deck in decks for order in _walk(dice, deck, seconds)]
    return tuple(sorted(orders, key=lambda order: order.at_s))


def _walk(dice: random.Random, deck: tuple[Trouble, ...], seconds: float) -> Iterator[Order]:
    """Give one trouble after another; none is drawn again before all of the deck were."""
    left: list[Trouble] = []
    t_s = dice.uniform(*PAUSE_S)
    while deck:
        left = left or dice.sample(deck, len(deck))
        kind = left.pop()
        order = Order(
            kind, t_s, dice.uniform(*LASTS_S[kind]), dice.choice((-1, 1)) * dice.uniform(*DRIFT_MS_PER_S)
        )
        t_s = order.ends_s + dice.uniform(*PAUSE_S)
        if t_s > seconds:
            return
        yield order
