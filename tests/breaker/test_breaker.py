"""Lives with every fault in any mixture, judged by an oracle of their own: no promise is broken."""

from __future__ import annotations

import pytest

from benchmarks.breaker.life import lived
from benchmarks.breaker.plan import Kind, drawn

HOURS = 2.0


@pytest.mark.req("P1", "P2", "P3", "P4", "P5", "P6", "P7", "P8", "P9", "P10", "P12", "P13", "P14")
@pytest.mark.parametrize("seed", range(8))
def test_no_promise_is_broken(seed):
    life = lived(seed, HOURS * 3600)

    assert [str(broken) for broken in life.violations] == []
    assert life.counts["decisions: abstain"] > 0


def test_a_seed_is_a_life():
    """The same seed lives the same life, alarm by alarm."""
    assert lived(2, 3600.0).alarms == lived(2, 3600.0).alarms


def test_every_fault_comes():
    """Among as many lives as `make breaker` has, no fault is left out."""
    drawn_kinds = {stretch.kind for seed in range(60) for stretch in drawn(seed, 7200.0).stretches}

    assert drawn_kinds == set(Kind)
