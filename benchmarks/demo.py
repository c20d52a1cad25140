"""The demo's scenarios over many seeds: how often the forecast alarm comes before the simulated event.

Every figure here is simulated. The 10 s means of the simulated MAP go through pipeline and alarm machine
directly; the protocol in between is tested elsewhere.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from barocast.calibration.events import find_events
from barocast.plugin.virtual.physiology import SimulatedPatient
from barocast.plugin.virtual.scenario import SCENARIOS, Scenario
from barocast.plugin.watch import Watch
from barocast.runtime.bundle import Bundle, default_bundle, read_bundle
from barocast.runtime.domain import Sample
from barocast.runtime.engines import OrtEngine
from barocast.runtime.timeline import STEP_S
from barocast.runtime.trust import trusted_keys
from benchmarks import machine

Course: TypeAlias = "tuple[float | None, float | None]"
"""Onset of the event and first forecast alarm, seconds."""

SEEDS = range(20)
TEXT = """# The demo's patients (simulated)

`make bench ARGS=demo` on {machine}; bundle {bundle}; {seeds} seeds each.
Simulated patients show that the chain works, not what it is worth: `replay.md` is about real ones.

| scenario | cases with an event | alarm before it | median lead, min | alarm without an event |
|---|---|---|---|---|
{rows}
"""
SHOWN = ("drift", "slow_bleed", "deep_anaesthesia", "stable")


def measure() -> str:
    """Play every scenario with every seed."""
    bundle = read_bundle(default_bundle(), trusted_keys().values())
    engine = OrtEngine(bundle)
    rows = [_row(name, [_played(bundle, engine, SCENARIOS[name], seed) for seed in SEEDS]) for name in SHOWN]
    return TEXT.format(
        machine=machine.described(), bundle=bundle.manifest.id, seeds=len(SEEDS), rows="\n".join(rows)
    )


def _played(bundle: Bundle, engine: OrtEngine, scenario: Scenario, seed: int) -> Course:
    """Play one case."""
    seconds = SimulatedPatient(scenario, seed).mean_pressure(scenario.duration_s)
    grid = seconds[: seconds.size // 10 * 10].reshape(-1, 10).mean(axis=1)
    samples = [Sample("ABP_MEAN", "simulated", i * STEP_S, float(v), "mmHg") for i, v in enumerate(grid)]
    outcomes = Watch(bundle, engine, scenario.patient).feed(samples)
    alarm = next((outcome.decision.t_s for outcome in outcomes if outcome.alarm != "none"), None)
    events = find_events(grid, STEP_S)
    return events[0].start * STEP_S if events else None, alarm


def _row(name: str, played: list[Course]) -> str:
    with_event = [(onset, alarm) for onset, alarm in played if onset is not None]
    leads = [(onset - alarm) / 60 for onset, alarm in with_event if alarm is not None and alarm < onset]
    alone = sum(onset is None and alarm is not None for onset, alarm in played)
    lead = f"{np.median(leads):.1f}" if leads else "-"
    return f"| {name} | {len(with_event)} | {len(leads)} | {lead} | {alone} |"
