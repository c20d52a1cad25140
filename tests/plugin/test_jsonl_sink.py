"""The wire contract of a decision line, and a log that survives full disks and torn lines."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from barocast.plugin.sinks.jsonl import JsonLinesSink, decision_line
from barocast.runtime.alarm.events import AlarmSnapshot, LogRow
from barocast.runtime.domain import Abstain, Fault, Forecast, Risk

CURVE = np.array([71.123, 66.0])
FORECAST = Forecast(np.zeros(3), np.array([1.0, 2.0]), CURVE - 5, CURVE, CURVE + 5, {"series": 0.75})
RISK = Risk(1830.0, (0.031, 0.074, 0.11), FORECAST)
COLUMNS = np.array([72.1000004, np.nan, 71.5])
ROW = LogRow(60.0, "raised", "forecast hypotension", "", "low", 1, "why", score=0.9, threshold=0.4)


def test_a_forecast_line_is_the_contract():
    assert decision_line(RISK, "advisory", "bundle-1", COLUMNS) == {
        "t_s": 1830.0,
        "state": "forecast",
        "reason": None,
        "risk": {"5": 0.031, "10": 0.074, "15": 0.11},
        "map": {
            "minutes": [1.0, 2.0],
            "q10": [66.12, 61.0],
            "q50": [71.12, 66.0],
            "q90": [76.12, 71.0],
        },
        "gates": {"series": 0.75},
        "alarm": "advisory",
        "bundle": "bundle-1",
        "map_10s": [72.1, None, 71.5],
    }


@pytest.mark.parametrize(
    ("decision", "state"), [(Abstain(5.0, "flush"), "abstain"), (Fault(5.0, "flush"), "fault")]
)
def test_without_a_forecast_there_is_neither_risk_nor_map(decision: Abstain | Fault, state: str):
    assert decision_line(decision, "none", "b", np.empty(0)) == {
        "t_s": 5.0,
        "state": state,
        "reason": "flush",
        "gates": {},
        "alarm": "none",
        "bundle": "b",
        "map_10s": [],
    }


@pytest.mark.parametrize(
    "broken",
    [
        replace(RISK, p=(0.1, float("nan"), 0.2)),
        replace(RISK, p=(0.1, 0.2, 1.2)),
        replace(RISK, forecast=replace(FORECAST, q50=np.array([np.nan, 66.0]))),
        replace(RISK, forecast=replace(FORECAST, gates={"text": float("inf")})),
    ],
)
def test_a_forecast_that_is_not_finite_is_printed_as_a_fault(broken: Risk):
    line = decision_line(broken, "none", "b", COLUMNS)

    assert (line["state"], "risk" in line, "map" in line) == ("fault", False, False)
    assert "NaN" not in json.dumps(line, allow_nan=False)


def test_each_line_is_on_disk_as_soon_as_it_is_written(tmp_path: Path):
    sink = JsonLinesSink(tmp_path / "a" / "case.jsonl", bundle_id="b")

    receipt = sink.write_decision(RISK, "none", COLUMNS)

    lines = (tmp_path / "a" / "case.jsonl").read_text().splitlines()
    sink.close()
    assert receipt.ok
    assert [json.loads(line) for line in lines] == [decision_line(RISK, "none", "b", COLUMNS)]


def test_transitions_go_to_a_file_of_their_own_with_the_bundle_and_both_clocks(tmp_path: Path):
    sink = JsonLinesSink(tmp_path / "case.jsonl", bundle_id="b")
    sink.write_log(ROW, wall="2026-01-01T00:00:00Z")
    sink.close()

    written = json.loads((tmp_path / "case.alarms.jsonl").read_text())
    assert written["log"]["transition"] == "raised"
    assert (written["log"]["score"], written["log"]["threshold"]) == (0.9, 0.4)
    assert (written["log"]["now_s"], written["log"]["wall"]) == (60.0, "2026-01-01T00:00:00Z")
    assert written["log"]["bundle"] == "b"
    assert not (tmp_path / "case.jsonl").exists()


def test_a_second_run_appends_and_a_torn_last_line_spoils_no_other(tmp_path: Path):
    path = tmp_path / "case.jsonl"
    path.write_text('{"t_s": 1.0}\n{"t_s": 2')
    sink = JsonLinesSink(path)
    sink.write_decision(RISK, "none", COLUMNS)
    sink.close()

    lines = path.read_text().splitlines()
    assert lines[:2] == ['{"t_s": 1.0}', '{"t_s": 2']
    assert json.loads(lines[2])["t_s"] == 1830.0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_a_receipt_that_later_snapshots_repeat():
    sink = JsonLinesSink("/dev/full", alarms="/dev/null")

    receipt = sink.write_decision(RISK, "none", COLUMNS)

    assert receipt.text == "log: /dev/full: No space left on device"
    assert sink.apply(AlarmSnapshot(0.0)) == receipt
    assert sink.write_log(ROW).ok
    sink.close()


def test_a_folder_that_cannot_be_made_is_said_by_the_self_test(tmp_path: Path):
    (tmp_path / "file").write_text("")
    sink = JsonLinesSink(tmp_path / "file" / "case.jsonl")

    assert not sink.self_test().ok
    assert not sink.write_decision(RISK, "none", COLUMNS).ok


def test_writing_goes_on_when_the_disk_is_back(tmp_path: Path):
    (tmp_path / "a").write_text("in the way")
    sink = JsonLinesSink(tmp_path / "a" / "case.jsonl")
    assert not sink.write_decision(RISK, "none", COLUMNS).ok
    (tmp_path / "a").unlink()

    assert sink.write_decision(RISK, "none", COLUMNS).ok
    sink.close()
