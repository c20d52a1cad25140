"""After go-live: a bedside's log, judged by itself."""

from __future__ import annotations

import json
import math
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from toy_bundle import toy_bundle

from barocast.calibration.figures import alarms, inputs, risk
from barocast.export.validation.bedside_log import read_logs
from barocast.export.validation.gather import judged
from barocast.export.validation.live_study import ENOUGH_ONSETS, LivePlan, live_study
from barocast.export.validation.played import judge, listen
from barocast.export.validation.recorded import events_of
from barocast.export.validation.study_case import Series, StudyCase
from barocast.plugin.cli import main
from barocast.runtime.domain import Abstain, Fault, Patient
from barocast.runtime.engines import OrtEngine
from barocast.runtime.errors import InputError
from barocast.runtime.trust import write_keys

QUICK = 40
"""Bootstrap draws."""


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle")
    made = toy_bundle(folder / "toy")
    write_keys(folder / "trust.json", {"toy": made.public_key})
    return made


@pytest.fixture(scope="module")
def trusted(toy):
    return ["--bundle", str(toy.directory), "--trust", str(toy.directory.parent / "trust.json")]


def series(number, minutes=60):
    """A pressure that swings through 65 mmHg, with holes; whole decisions only."""
    random, steps = np.random.default_rng(number), minutes * 6 + 1
    slow = 12 * np.sin(np.arange(steps) / random.uniform(20, 50) + random.uniform(0, 6))
    values = random.uniform(70, 78) + slow + random.normal(0, 1.5, steps)
    values[random.random(steps) < 0.03] = np.nan
    return values


def replayed(path, values, trusted):
    """Play a series as a recording; give the lines of its log."""
    rows = "".join(f"{10 * i},{'' if math.isnan(v) else v}\n" for i, v in enumerate(values.tolist()))
    path.with_suffix(".csv").write_text("t_s,ABP_MEAN\n" + rows)
    assert main(["replay", str(path.with_suffix(".csv")), "--out", str(path), *trusted]) == 0
    return [json.loads(line) for line in path.read_text().splitlines()]


def written(path, lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def shifted(lines, by_s):
    return [line | {"t_s": line["t_s"] + by_s} for line in lines]


@pytest.fixture(scope="module")
def log(tmp_path_factory, trusted):
    return replayed(tmp_path_factory.mktemp("log") / "case.jsonl", series(0), trusted)


def judged_log(path):
    cases = read_logs([path])
    played = [judge(case.said(30)) for case in cases]
    nobody = [
        StudyCase(case.case_id, case.case_id, "log", Patient(), Series.of_grid(np.empty(0))) for case in cases
    ]
    return judged(nobody, played)


def test_a_log_gives_the_labels_and_risks_of_a_validation_of_the_same_case(toy, log, tmp_path):
    bundle = toy.read()
    expected = judge(listen(events_of(Series.of_grid(series(0))), Patient(), bundle, OrtEngine(bundle)))
    rows = judged_log(written(tmp_path / "a.jsonl", log))

    assert expected.at.size >= 50
    assert 0 < np.nanmean(expected.labels) < 1
    assert rows.at.tolist() == expected.at.tolist()
    assert np.array_equal(rows.labels, expected.labels, equal_nan=True)
    assert rows.p == pytest.approx(expected.p, abs=1e-6)
    assert rows.quantiles == pytest.approx(expected.quantiles, abs=0.01)
    assert rows.cases[0].map_mmhg == pytest.approx(expected.map_mmhg, abs=1e-6, nan_ok=True)


def test_a_log_gives_the_figures_of_a_validation_of_the_same_cases(toy, month, tmp_path):
    """Risks are logged with six digits, and nothing else is lost."""
    bundle, names = toy.read(), [case.case_id for case in read_logs([month])]
    engine, grids = OrtEngine(bundle), [Series.of_grid(series(number)) for number in range(21)]
    cases = [StudyCase(name, name, "x", Patient(), grid) for name, grid in zip(names, grids, strict=True)]
    played = [judge(listen(events_of(case.series), Patient(), bundle, engine)) for case in cases]
    rows, point = judged(cases, played), bundle.manifest.alarm
    report = live_study([month], LivePlan(bundle, QUICK))

    assert report["alarm"]["shipped"]["alarms_per_hour"] > 0
    assert flat(report["alarm"]["shipped"]) == pytest.approx(
        flat(alarms.figures(rows, point.trigger, point.horizon_min, 1, QUICK)["shipped"]), nan_ok=True
    )
    assert flat(report["risk"]) == pytest.approx(
        flat(risk.figures(rows, (5, 10, 15), QUICK)), abs=2e-4, nan_ok=True
    )
    assert report["inputs"] == inputs.figures(rows, 1)


def flat(report, path=""):
    """Give path -> number, curves aside: their points lie where the risks lie."""
    found = {}
    for name, part in report.items():
        if isinstance(part, dict) and name not in {"curve", "histogram", "operating_points", "net_benefit"}:
            found |= flat(part, f"{path}{name}.")
        elif isinstance(part, int | float):
            found[path + name] = part
    return found


def test_two_cases_in_a_log_are_told_apart(log, tmp_path):
    again = read_logs([written(tmp_path / "back.jsonl", log + log)])
    later = read_logs([written(tmp_path / "later.jsonl", log + shifted(log, 9000))])
    goes_on = read_logs([written(tmp_path / "on.jsonl", log + shifted(log, 3630))])

    assert [case.case_id for case in again] == ["back.jsonl:1", f"back.jsonl:{len(log) + 1}"]
    assert [len(case.columns) for case in later] == [361, 361]
    assert [len(case.columns) for case in goes_on] == [361 + 361]


def test_another_file_and_another_bundle_are_another_case(log, tmp_path):
    new = [line | {"bundle": "toy-2"} for line in shifted(log, 3630)]
    path = written(tmp_path / "a.jsonl", log + new)

    assert [case.bundle for case in read_logs([path])] == ["toy-1", "toy-2"]
    assert len(read_logs([path, path])) == 4


def test_a_silence_holds_its_columns_and_begins_no_case(log, tmp_path):
    quiet = {"t_s": 1895.3, "state": "abstain", "reason": "no data: nothing for 6 s", "gates": {}}
    quiet |= {"alarm": "none", "bundle": "toy-1", "map_10s": [None, None]}
    until = [line for line in log if line["t_s"] <= 1860]
    late = [line for line in log if line["t_s"] > 1860]
    (whole,) = read_logs([written(tmp_path / "a.jsonl", [*until, quiet, *late])])
    (ended,) = read_logs([written(tmp_path / "b.jsonl", [*until, quiet, quiet | {"t_s": 99_000.0}])])

    (alone,) = read_logs([written(tmp_path / "c.jsonl", log)])

    assert np.array_equal(judge(whole.said(30)).labels, judge(alone.said(30)).labels, equal_nan=True)
    assert ended.said(30).map_mmhg.size == 187


def test_a_silence_that_stands_nowhere_near_the_case_adds_nothing(log, tmp_path):
    """Its time was carried over from another clock: a grid of years must not come of it."""
    far = {"t_s": 1e300, "state": "abstain", "reason": "no data: nothing for 6 s", "gates": {}}
    far |= {"alarm": "none", "bundle": "toy-1", "map_10s": [70.0]}
    (case,) = read_logs([written(tmp_path / "a.jsonl", [*log, far, far | {"t_s": -1e300}])])

    assert case.said(30).map_mmhg.size == 361


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.binary(max_size=40), at=st.integers(0, 300), cut=st.integers(0, 300))
def test_any_damage_to_a_line_gives_the_same_log_or_one_error_with_its_place(log, tmp_path, text, at, cut):
    sound = json.dumps(log[-1]).encode()
    damaged = sound[:at] + text.replace(b"\n", b"") + sound[at + cut :]
    (tmp_path / "a.jsonl").write_bytes(json.dumps(log[0]).encode() + b"\n" + damaged)
    said = complaint(tmp_path / "a.jsonl")

    assert said == "" or re.search(r"a\.jsonl:2: (no whole decision|has no map_10s)", said)


def complaint(path):
    try:
        read_logs([path])
    except InputError as error:
        return str(error)
    return ""


def test_a_forecast_of_other_steps_than_the_bundles_is_refused(toy, log, tmp_path):
    curves = {name: [70.0] for name in ("minutes", "q10", "q50", "q90")}
    path = written(tmp_path / "a.jsonl", [*log[:-1], log[-1] | {"map": curves}])

    with pytest.raises(InputError, match=r"a\.jsonl:1: the forecast at 3600 s has 1 steps, toy-1 has 30"):
        live_study([path], LivePlan(toy.read(), QUICK))


def test_what_was_no_forecast_keeps_its_reason(log, tmp_path):
    fault = log[70] | {"state": "fault", "reason": "engine: gone"}
    (case,) = read_logs([written(tmp_path / "a.jsonl", [*log[:70], fault, *log[71:]])])

    assert isinstance(case.decisions[0.0], Abstain)
    assert case.decisions[fault["t_s"]] == Fault(fault["t_s"], "engine: gone")
    assert judge(case.said(30)).unanswered == {"engine": 1}


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda line: line[: len(line) // 2], r"a.jsonl:3: no whole decision"),
        (lambda line: line.replace('"t_s": 60.0', '"t_s": NaN'), r"a.jsonl:3: no whole decision.*no number"),
        (lambda line: line.replace("abstain", "abstein"), r"a.jsonl:3: no whole decision"),
        (lambda line: line.replace("map_10s", "map_20s"), r"a.jsonl:3: has no map_10s.*replay"),
        (lambda line: "[" * 100_000, r"a.jsonl:3: no whole decision"),
        (lambda line: "7", r"a.jsonl:3: no whole decision"),
    ],
)
def test_a_line_that_cannot_be_meant_is_refused_with_its_place(log, tmp_path, damage, said):
    lines = [json.dumps(line) for line in log]
    (tmp_path / "a.jsonl").write_text("\n".join([*lines[:2], damage(lines[2]), *lines[3:]]) + "\n")

    with pytest.raises(InputError, match=said):
        read_logs([tmp_path / "a.jsonl"])


@pytest.mark.parametrize(
    "change",
    [
        {"risk": {"5": 0.3, "10": 0.2, "15": 0.4}},
        {"risk": {"5": 0.3}},
        {"map": {"minutes": [0.5], "q10": [60], "q50": [], "q90": [70]}},
        {"map_10s": ["72"]},
        {"map_10s": 72},
        {"bundle": None},
    ],
)
def test_a_forecast_that_cannot_be_meant_is_refused(log, tmp_path, change):
    assert log[-1]["state"] == "forecast"

    with pytest.raises(InputError, match=rf"a.jsonl:{len(log)}: no whole decision"):
        read_logs([written(tmp_path / "a.jsonl", [*log[:-1], log[-1] | change])])


@pytest.fixture(scope="module")
def month(tmp_path_factory, trusted):
    """A log of 21 cases: a block, and one that has only begun."""
    folder = tmp_path_factory.mktemp("month")
    lines = [replayed(folder / f"{number}.jsonl", series(number), trusted) for number in range(21)]
    return written(folder / "month.jsonl", [line for case in lines for line in case])


def gate(path, text):
    path.write_text(text)
    return str(path)


def live(month, trusted, out, *more):
    status = main(
        ["validate", "--from-log", str(month), "--out", str(out), "--draws", "200", *trusted, *more]
    )
    return status, json.loads((out / "live.json").read_text())


def test_floors_that_hold_are_ok_and_the_newest_whole_block_is_held(month, trusted, tmp_path):
    floors = gate(tmp_path / "g.toml", '[[floor]]\nfigure = "answered"\nat_least = 0.9\n')
    status, report = live(month, trusted, tmp_path, "--gate", floors)
    said = json.loads((tmp_path / "status.json").read_text())

    assert [block["cases"] for block in report["rolling"]] == [20, 1]
    assert report["rolling"][0]["onsets"] >= ENOUGH_ONSETS > report["rolling"][1]["onsets"]
    assert (status, said["status"], said["reasons"]) == (0, "ok", [])
    assert said["last"] == report["rolling"][0]["last"]
    assert "Nothing retunes itself" in (tmp_path / "live.html").read_text()


def silent(line):
    quiet = {name: line[name] for name in ("t_s", "gates", "bundle", "map_10s")}
    return quiet | {"state": "abstain", "reason": "model: gone", "alarm": "none"}


def test_a_bed_that_no_longer_forecasts_is_degraded(month, trusted, tmp_path):
    sound = [json.loads(line) for line in month.read_text().splitlines()]
    path = written(tmp_path / "a.jsonl", sound + [silent(line) for line in sound] * 2)
    text = "".join(
        f'[[floor]]\nfigure = "{figure}"\nat_most = 99\n'
        for figure in ("risk.10.auroc.low", "alarms_per_hour")
    )
    status, report = live(path, trusted, tmp_path, "--gate", gate(tmp_path / "g.toml", text))

    assert [block["answered"] for block in report["rolling"]] == [1, pytest.approx(0.05, abs=0.03), 0, 0]
    assert (status, report["status"]["status"]) == (1, "degraded")
    assert report["status"]["first"] == report["rolling"][2]["first"]
    assert report["status"]["reasons"] == [
        "risk.10.auroc.low: could not be computed",
        "alarms_per_hour: could not be computed",
    ]


def test_another_bundle_begins_a_status_anew(month, trusted, tmp_path):
    floors = gate(tmp_path / "g.toml", '[[floor]]\nfigure = "answered"\nat_least = 0.9\n')
    before = {"status": "ok", "since": "2026-01-01T00:00:00+00:00", "bundle": "toy-0"}
    (tmp_path / "status.json").write_text(json.dumps(before))
    live(month, trusted, tmp_path, "--gate", floors)
    after = json.loads((tmp_path / "status.json").read_text())

    assert (after["status"], after["bundle"]) == ("ok", "toy-1")
    assert after["since"] == after["judged_at"] > before["since"]


def test_a_broken_floor_is_degraded_since_it_was_first_seen(month, trusted, tmp_path):
    floors = gate(tmp_path / "g.toml", '[[floor]]\nfigure = "risk.10.auroc.low"\nat_least = 0.999\n')
    first, report = live(month, trusted, tmp_path, "--gate", floors)
    before = json.loads((tmp_path / "status.json").read_text())
    (tmp_path / "status.json").write_text(json.dumps(before | {"since": "2026-01-01T00:00:00+00:00"}))
    again, _ = live(month, trusted, tmp_path, "--gate", floors)
    after = json.loads((tmp_path / "status.json").read_text())

    assert (first, again, before["status"]) == (1, 1, "degraded")
    assert report["gate"][0]["reason"] in before["reasons"]
    assert after["since"] == "2026-01-01T00:00:00+00:00"
    assert after["judged_at"] >= before["judged_at"] > after["since"]


def test_too_few_events_are_no_verdict(log, trusted, tmp_path):
    floors = gate(tmp_path / "g.toml", '[[floor]]\nfigure = "answered"\nat_least = 0.9\n')
    status, report = live(written(tmp_path / "a.jsonl", log), trusted, tmp_path, "--gate", floors)

    assert (status, report["status"]["status"], report["gate"]) == (0, "too few", [])


def test_without_floors_there_is_no_status(log, trusted, tmp_path):
    status, report = live(written(tmp_path / "a.jsonl", log), trusted, tmp_path)

    assert (status, report["status"]) == (0, None)
    assert not (tmp_path / "status.json").exists()


def test_a_floor_that_no_block_has_is_refused(month, trusted, tmp_path, capsys):
    floors = gate(tmp_path / "g.toml", '[[floor]]\nfigure = "risk.10.auroc.lo"\nat_least = 0.9\n')

    status = main(
        [
            "validate",
            "--from-log",
            str(month),
            "--out",
            str(tmp_path),
            "--draws",
            "200",
            *trusted,
            "--gate",
            floors,
        ]
    )
    assert (status != 0, "risk.10.auroc.lo" in capsys.readouterr().err) == (True, True)


def test_the_same_input_has_not_drifted_and_another_has(toy, month, trusted, tmp_path):
    report = live_study([month], LivePlan(toy.read(), QUICK))
    reference = {"about": {"bundle": "toy-1"}, "inputs": report["inputs"]}
    (tmp_path / "r.json").write_text(json.dumps(reference))
    _, same = live(month, trusted, tmp_path, "--reference", str(tmp_path / "r.json"))
    moved = report["inputs"] | {"map_mmhg": report["inputs"]["map_mmhg"][::-1]}
    (tmp_path / "r.json").write_text(json.dumps(reference | {"inputs": moved}))
    _, other = live(month, trusted, tmp_path, "--reference", str(tmp_path / "r.json"))

    assert set(same["drift"].values()) == {0.0}
    assert (other["drift"]["map_mmhg"] > 0.25, other["drift"]["risk"]) == (True, 0.0)
    assert "marked: look" in (tmp_path / "live.html").read_text()


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("{}", "no report of a validation"),
        ('{"about": {"bundle": "b"}, "inputs": {"map_mmhg": []}}', "no report of a validation"),
    ],
)
def test_a_reference_that_is_none_is_refused(log, trusted, tmp_path, capsys, reference, said):
    (tmp_path / "r.json").write_text(reference)
    path = written(tmp_path / "a.jsonl", log)
    arguments = ["--from-log", str(path), "--out", str(tmp_path), "--reference", str(tmp_path / "r.json")]

    assert main(["validate", *arguments, *trusted]) != 0
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--parent=p.onnx", "--undamaged", "--jobs=2", "--record=r.jsonl"])
def test_what_only_a_study_can_do_is_refused(log, trusted, tmp_path, capsys, option):
    path = written(tmp_path / "a.jsonl", log)

    assert main(["validate", "--from-log", str(path), "--out", str(tmp_path), option, *trusted]) == 2
    assert f"{option.split('=')[0]}: means nothing with --from-log" in capsys.readouterr().err


def test_a_log_of_another_bundle_and_one_that_is_too_short_are_refused(toy, log, tmp_path):
    plan = LivePlan(toy.read(), QUICK)
    other = written(tmp_path / "other.jsonl", [line | {"bundle": "toy-9"} for line in log])
    short = written(tmp_path / "short.jsonl", log[:20])

    with pytest.raises(InputError, match="holds toy-9 and nothing of toy-1"):
        live_study([other], plan)
    with pytest.raises(InputError, match="none of 1 cases is long enough"):
        live_study([short], plan)


def test_what_is_left_out_is_counted(toy, log, tmp_path):
    other = [line | {"bundle": "toy-9"} for line in log]
    report = live_study([written(tmp_path / "a.jsonl", log + other + log[:20])], LivePlan(toy.read(), QUICK))

    assert report["about"]["cases"] == 1
    assert report["about"]["left_out"] == {"too short": 1, "of other bundles": {"toy-9": 1}}
