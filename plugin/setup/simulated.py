"""A virtual monitor in place of the real one, so that the whole chain can be tried with nothing connected.

    with simulated(kind, clock) as address: ...

The patient is simulated, stable, and runs SPEED times as fast as the wall: a forecast comes after fifteen
minutes of its time. Raises SettingsError for a feed that has no virtual monitor here.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from barocast.plugin.demo import CABLES
from barocast.plugin.virtual.physiology import SimulatedPatient
from barocast.plugin.virtual.scenario import SCENARIOS
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from barocast.plugin.clock import PlayClock

SPEED: Final = 60.0
SECONDS: Final = 20 * 60.0
"""Of the patient's: a forecast needs fifteen minutes, and has five to spare."""
SCENARIO: Final = "stable"
SEED: Final = 17


@contextmanager
def simulated(kind: str, clock: PlayClock) -> Iterator[str]:
    """Let a virtual monitor of this kind speak; give the address to open."""
    cable = next((cable for cable in CABLES.values() if cable.feed.name == kind), None)
    if cable is None:
        known = ", ".join(cable.feed.name for cable in CABLES.values())
        raise SettingsError(f"--simulate: {kind} has no virtual monitor here; {known} have one")
    patient = SimulatedPatient(SCENARIOS[SCENARIO], SEED)
    with cable.plug(cable.monitor(patient, 0.0), clock) as address:
        yield address
