"""A bug of each class, planted: the breaker must find it within a few lives."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import numpy as np
import pytest

from barocast.plugin import bedside, parts, records, ways_out
from barocast.plugin.audit.log import AuditLog
from barocast.plugin.feed_hearing import FeedHearing
from barocast.plugin.sinks.sink import Receipt
from barocast.plugin.watch import Watch
from barocast.runtime import bundle, quality, signal_status, steady_time, timeline
from barocast.runtime.alarm import facts, machine, pauses, restart, truth
from barocast.runtime.alarm.events import Inactivation
from barocast.runtime.domain import Forecast
from barocast.runtime.engines import ort
from benchmarks.breaker.life import lived

LIVES = 12
HOURS = 2.0


def pauses_for_ever(plant):
    plant(pauses, "_run_out", lambda paused, now_s: (paused, []))
    plant(pauses.Pause, "left_s", lambda pause, now_s: 1.0)


def pauses_without_cap(plant):
    plant(pauses, "min", lambda asked, cap: asked)


def pauses_begin_anew_after_a_restart(plant):
    was = restart._State._pauses

    def whole(state, rules):
        state._away_s, away_s = -100.0, state._away_s
        found = was(state, rules)
        state._away_s = away_s
        return found

    plant(restart._State, "_pauses", whole)


def technical_alarms_break_no_pause(plant):
    plant(machine.pauses, "break_for", lambda paused, new, escalated: (paused, []))


def acknowledgement_covers_what_comes_later(plant):
    was = machine.reconcile

    def covering(shown, true_now, now_s, serial):
        before = {c.key: c.inactivation for c in shown}
        kept, serial, changes = was(shown, true_now, now_s, serial)
        return (
            tuple(replace(c, inactivation=before.get(c.key, Inactivation.ENABLED)) for c in kept),
            serial,
            changes,
        )

    plant(machine, "reconcile", covering)


def every_acknowledgement_lasts(plant):
    was = machine.reconcile
    known: set[tuple[str, str]] = set()

    def lasting(shown, true_now, now_s, serial):
        known.update(c.key for c in shown if c.inactivation is Inactivation.ACKNOWLEDGED)
        kept, serial, changes = was(shown, true_now, now_s, serial)
        seen = Inactivation.ACKNOWLEDGED
        return tuple(replace(c, inactivation=seen) if c.key in known else c for c in kept), serial, changes

    plant(machine, "reconcile", lasting)


def refractory_holds_technical_alarms_back(plant):
    was, raised_s = machine.true_conditions, {}

    def held(learnt, now_s, rules):
        for condition in was(learnt, now_s, rules):
            begun_s = raised_s.setdefault(condition.key, now_s)
            if not condition.technical or not 10.0 < now_s - begun_s < 300.0:
                yield condition

    plant(machine, "true_conditions", held)


def suppressor_reads_its_own_output(plant):
    was = facts.advance

    def patient(trigger, p, t_s, rules, *, urgent=False):
        trigger, fired = was(trigger, p, t_s, rules, urgent=urgent)
        shown = trigger.recent if trigger.active else tuple((at_s, 0.0) for at_s, _ in trigger.recent)
        return replace(trigger, recent=shown), fired

    plant(facts, "advance", patient)


def budget_drops_alarms(plant):
    was = truth._forecast
    plant(
        truth,
        "_forecast",
        lambda learnt, now_s, rules: () if learnt.coalesced else was(learnt, now_s, rules),
    )


def no_refractory(plant):
    was = facts.advance
    plant(facts, "advance", lambda *a, urgent=False: was(*a, urgent=True))


def forecasts_never_expire(plant):
    plant(facts, "expired", lambda learnt, now_s, rules: False)
    plant(truth, "expired", lambda learnt, now_s, rules: False)


def restart_forgets_conditions(plant):
    plant(restart, "restored", lambda kept, rules, now_s, away_s: machine.start(rules, now_s))


def restart_takes_the_former_patient_over(plant):
    def admitted(watch, patient, now_s):
        watch._begin(patient)
        return watch.tick(now_s)

    plant(Watch, "admit", admitted)


def silence_limit_ignored(plant):
    plant(FeedHearing, "silence_due", lambda hearing, now_s: False)


def silence_before_the_first_value_unsaid(plant):
    was = FeedHearing.silent_s
    plant(FeedHearing, "silent_s", lambda hearing, now_s: was(hearing, now_s) if hearing._times else 0.0)


def standing_clock_passes_for_news(plant):
    was = FeedHearing.hear

    def hearing(self, events, now_s):
        self._times = {}
        return was(self, events, now_s)

    plant(FeedHearing, "hear", hearing)


def frozen_values_scored(plant):
    plant(quality._Repeat, "frozen", lambda repeat, value, t_s: False)


def artefacts_scored(plant):
    plant(quality, "check_pressures", lambda systolic, diastolic, mean: None)


def spikes_scored(plant):
    plant(quality._Level, "jumped", lambda level, value, t_s: False)


def invalid_values_scored(plant):
    plant(
        timeline.Timeline,
        "take",
        _believing(timeline.Timeline.take),
    )


def _believing(was):
    return lambda line, events: was(
        line, [replace(e, valid=True, reason=None) if hasattr(e, "reason") else e for e in events]
    )


def stale_pressure_scored(plant):
    plant(timeline.Timeline, "_stale", lambda line, t_end_s: "")
    plant(timeline, "HOLD_LIMIT_S", 1e9)
    plant(timeline._Track, "cadence_s", lambda track: 1e9)


def gap_taken_for_the_cadence(plant):
    plant(timeline, "LEAST_INTERVALS", 1)
    plant(timeline, "CADENCE_INTERVALS", 1)


def stray_stamps_believed(plant):
    plant(steady_time.SteadyTime, "_weigh", lambda steady, event, t_s: [event])


def artefacts_unsaid(plant):
    plant(signal_status.SignalStatus, "hear", lambda status, judged, device_s=None: None)


def wall_clock_for_deadlines(plant):
    was = bedside.Bedside.process

    def timed(bed, received, now_s):
        wall_s = datetime.fromisoformat(bed._wall()).timestamp()
        wrong_s = wall_s - bed.__dict__.setdefault("begun", wall_s - now_s)
        return was(bed, received, wrong_s if abs(wrong_s - now_s) < 1e5 else now_s)

    plant(bedside.Bedside, "process", timed)


def nan_passes_for_a_low_risk(plant):
    was = ort.forecast_of

    def soft(manifest, answers, t_s):
        shaped = {"logits": np.sort(np.nan_to_num(answers["logits"], nan=-50.0))}
        return was(manifest, answers | shaped, t_s)

    plant(ort, "forecast_of", soft)


def any_shape_passes(plant):
    def loose(manifest, answers, t_s):
        logits = np.resize(answers["logits"][0], 3)
        q10, q50, q90 = answers["quantiles"][0]
        return Forecast(logits, np.array(manifest.forecast_minutes), q10, q50, q90, {})

    plant(ort, "forecast_of", loose)


def lost_engine_unsaid(plant):
    plant(parts.Parts, "news", _without(parts.Parts.news, "engine fault"))


def _without(was, name):
    return lambda told, failed: was(told, [one for one in failed if str(one.part) != name])


def sink_failure_swallowed(plant):
    plant(ways_out.WaysOut, "failed", lambda out: [])


def sink_that_raises_takes_the_bed_along(plant):
    plant(ways_out, "_applied", lambda sink, snapshot: sink.apply(snapshot))


def sinks_told_of_changes_only(plant):
    was = machine._is_news
    plant(
        machine,
        "_is_news",
        lambda last, now, rules: was(last and replace(last, now_s=now.now_s), now, rules),
    )


def log_failure_unsaid(plant):
    plant(records.Records, "_receive", lambda kept, part, receipt: None)


def memory_failure_unsaid(plant):
    plant(records.Records, "kept", lambda kept, state: kept.memory and kept.memory.keep(state) and None)


def acknowledged_before_durable(plant):
    was = AuditLog._put

    def eager(log, kind, body, wall):
        was(log, kind, body, wall)
        return Receipt()

    plant(AuditLog, "_put", eager)


def a_transition_is_not_logged(plant):
    was = records.Records.logged

    def forgetful(kept, row, wall):
        if row.transition != "raised again":
            was(kept, row, wall)

    plant(records.Records, "logged", forgetful)


def corrupted_bundle_taken(plant):
    plant(bundle, "_verify_signature", lambda directory, files, trusted: b"")
    plant(bundle, "check_hashes", lambda directory, files, listed: None)


PLANTED = (
    pauses_for_ever,
    pauses_without_cap,
    pauses_begin_anew_after_a_restart,
    technical_alarms_break_no_pause,
    acknowledgement_covers_what_comes_later,
    every_acknowledgement_lasts,
    refractory_holds_technical_alarms_back,
    suppressor_reads_its_own_output,
    budget_drops_alarms,
    no_refractory,
    forecasts_never_expire,
    restart_forgets_conditions,
    restart_takes_the_former_patient_over,
    silence_limit_ignored,
    silence_before_the_first_value_unsaid,
    standing_clock_passes_for_news,
    frozen_values_scored,
    artefacts_scored,
    spikes_scored,
    invalid_values_scored,
    stale_pressure_scored,
    gap_taken_for_the_cadence,
    stray_stamps_believed,
    artefacts_unsaid,
    wall_clock_for_deadlines,
    nan_passes_for_a_low_risk,
    any_shape_passes,
    lost_engine_unsaid,
    sink_failure_swallowed,
    sink_that_raises_takes_the_bed_along,
    sinks_told_of_changes_only,
    log_failure_unsaid,
    memory_failure_unsaid,
    acknowledged_before_durable,
    a_transition_is_not_logged,
    corrupted_bundle_taken,
)


@pytest.mark.req("P1", "P3", "P4", "P5", "P6", "P7", "P8", "P9", "P10", "P13", "P14")
@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: bug.__name__)
def test_a_planted_bug_is_found(monkeypatch, bug):
    bug(lambda owner, name, planted: monkeypatch.setattr(owner, name, planted, raising=name != "min"))

    lives = (lived(seed, HOURS * 3600).violations for seed in range(LIVES))

    assert next(filter(None, lives), []), f"{LIVES} lives, and nobody noticed"
