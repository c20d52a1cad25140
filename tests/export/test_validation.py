"""A validation from cases to report: the bedside's own forecasts, judged on patients that taught nothing."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from toy_study import HALF, toy_case, toy_source

from barocast.calibration.bootstrap import draw_patients
from barocast.calibration.folds import fold_of
from barocast.calibration.landmarks import find_landmarks
from barocast.calibration.report.cautions import cautions
from barocast.calibration.report.page import page
from barocast.export.validation import workers
from barocast.export.validation.gather import Heard, account_of, gather, judged
from barocast.export.validation.score_file import read_scores
from barocast.export.validation.stress import SECTION_FIELDS, VARIANTS
from barocast.export.validation.study import Plan, study
from barocast.export.validation.study_case import Series
from barocast.export.validation.workers import Workforce
from barocast.export.validation.written import summary
from barocast.runtime.domain import Patient
from barocast.runtime.errors import BundleError, InputError, SettingsError
from barocast.runtime.prompt import SECTIONS

IDS = frozenset({"c0", "c1"})
"""Of the cases that a score file may name."""


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return toy_source(tmp_path_factory.mktemp("bundle"))


def rows_of(cases, source):
    accounts = gather([Heard(case) for case in cases], source, Workforce())
    return judged(cases, [account.played for account in accounts])


@pytest.fixture(scope="module")
def cases():
    return [toy_case(number) for number in range(9)]


@pytest.fixture(scope="module")
def report(cases, source):
    return study(cases, Plan(source, Workforce(), draws=40), lambda *_: None)


def test_every_landmark_is_answered_by_what_the_graph_says_of_it(cases, source):
    played, series = account_of(Heard(cases[0]), source).played, cases[0].series.map_mmhg
    expected = find_landmarks(series, 10.0)

    assert played.at.tolist() == expected.at.tolist()
    assert np.array_equal(played.labels, expected.labels, equal_nan=True)
    assert np.isfinite(played.p).all()
    assert played.now == pytest.approx([np.nanmean(series[at - 2 : at + 1]) for at in played.at])
    assert played.future[:, 0] == pytest.approx(
        [np.nanmean(series[at + 1 : at + 4]) for at in played.at], nan_ok=True
    )
    assert played.quantiles[:, 1] - played.quantiles[:, 0] == pytest.approx(5)


def test_only_patients_that_taught_nothing_are_judged(cases, report):
    unseen = [one for one in cases if HALF.role_of(one.subject_id) == "test"]

    assert 0 < len(unseen) < len(cases)
    assert report["about"]["judged"]["cases"] == len(unseen)
    assert {one["case_id"] for one in report["worst"]} <= {one.case_id for one in unseen}
    assert report["about"]["cases_by_what_they_taught"] == {
        "nothing": len(unseen),
        "weights": len(cases) - len(unseen),
    }


def test_a_bundle_that_learned_from_everybody_is_refused(cases, tmp_path):
    everything = replace(HALF, uses=MappingProxyType({"calibrator": ("train", "test")}))
    source = toy_source(tmp_path, everything)

    with pytest.raises(InputError, match="taught the bundle toy-1"):
        study(cases, Plan(source, Workforce(), 40), lambda *_: None)


def test_one_series_under_two_patients_is_refused(cases, source):
    """A copy counts twice, and may teach a comparator on one side of a split and be judged on the other."""
    copy = replace(cases[2], case_id="again", subject_id="somebody else")

    with pytest.raises(InputError, match="cases 'c2' and 'again' hold the very same series; keep one"):
        study([*cases[:4], copy], Plan(source, Workforce(), 40), lambda *_: None)


def test_two_cases_of_one_patient_share_a_fold_and_a_draw(cases, source):
    twins = [cases[0], replace(cases[1], subject_id=cases[0].subject_id), *cases[2:6]]
    rows = rows_of(twins, source)
    fold = fold_of(rows.subjects)

    assert set(fold[rows.case == 0]) == set(fold[rows.case == 1])
    assert len(draw_patients(rows.subjects, 1).times[0]) == 5


def test_too_few_events_are_no_figure(report):
    levels = [level for levels in report["subgroups"].values() for level in levels.values()]

    assert levels
    assert all("auroc" not in level and "fewer than" in level["suppressed"] for level in levels)


def test_what_was_not_judged_is_counted(cases, source):
    short = replace(cases[1], series=Series.of_grid(cases[1].series.map_mmhg[:60]))
    first, second = cases[2].series, cases[3].series
    t_s = np.concatenate([first.t_s, first.t_s[-1] + 7200 + second.t_s])
    torn = replace(cases[2], series=Series(t_s, np.concatenate([first.map_mmhg, second.map_mmhg])))
    elsewhere = [replace(one, source="Elsewhere") for one in (cases[0], short, torn)]

    about = study(elsewhere, Plan(source, Workforce(), 40), lambda *_: None)["about"]["judged"]

    assert (about["cases"], about["cases_without_landmarks"]) == (3, 1)
    assert about["hours_before_a_gap"] == pytest.approx(50 / 60)


def test_another_hospitals_patients_are_all_judged(cases, source):
    elsewhere = [replace(one, source="Elsewhere") for one in cases[:3]]
    found = study(elsewhere, Plan(source, Workforce(), 40), lambda *_: None)

    assert found["about"]["judged"]["patients"] == 3
    too_few_for_folds = {"Barocast", "-MAP", "MAP < 72 for 1 min", "LepMAP"}
    assert found["comparison"]["5"]["scores"].keys() == too_few_for_folds
    assert "No comparator that learns could be fitted" in " ".join(cautions(found))


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed", reason="the `cluster` extra is not installed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=True
    ) as cluster:
        yield Workforce(scheduler=cluster.scheduler_address)


@pytest.fixture(params=["processes", "cluster"])
def workforce(request):
    return Workforce(jobs=2) if request.param == "processes" else request.getfixturevalue("cluster")


def test_two_processes_and_two_workers_of_a_cluster_give_the_same_report_byte_for_byte(
    cases, source, report, workforce
):
    stages = Counter()
    again = study(
        cases, Plan(source, workforce, draws=40), lambda stage, done, _: stages.update({stage: done})
    )

    assert json.dumps(again) == json.dumps(report)
    assert stages == {
        "playing cases": len(cases),
        "fitting comparators": 40,
        "computing figures": len(report) - 1,
    }


def test_a_recording_that_a_worker_cannot_read_is_named_once(source, workforce, tmp_path):
    (tmp_path / "odd.csv").write_text("time,ABP_MEAN\n0,70\n")
    cases = [toy_case(0), replace(toy_case(1), series=tmp_path / "odd.csv")]

    with pytest.raises(InputError, match=r"odd\.csv") as caught:
        gather([Heard(case) for case in cases], source, workforce)
    assert "\n" not in str(caught.value)


def test_a_worker_without_the_bundle_says_where_it_must_lie(source, workforce, tmp_path):
    with pytest.raises(BundleError, match=r"no bundle there on .*; every worker needs it at that path"):
        gather([Heard(toy_case(0))], replace(source, bundle=tmp_path / "nowhere"), workforce)


def test_a_worker_with_another_bundle_refuses(source):
    with pytest.raises(BundleError, match="it is not this study's bundle"):
        gather([Heard(toy_case(0))], replace(source, model_sha256="0" * 64), Workforce())


def test_a_cluster_that_is_not_there_says_so(source, monkeypatch):
    pytest.importorskip("distributed", reason="the `cluster` extra is not installed")
    monkeypatch.setattr(workers, "CONNECT_S", 1.0)

    with pytest.raises(SettingsError, match="no scheduler answers"):
        gather([Heard(toy_case(0))], source, Workforce(scheduler="tcp://127.0.0.1:9"))


def test_a_cluster_without_workers_says_so(cases, source, monkeypatch):
    distributed = pytest.importorskip("distributed", reason="the `cluster` extra is not installed")
    monkeypatch.setattr(workers, "CONNECT_S", 1.0)

    with (
        distributed.LocalCluster(n_workers=0, dashboard_address=":0", silence_logs=True) as empty,
        pytest.raises(SettingsError, match="no worker is left"),
    ):
        gather([Heard(cases[0])], source, Workforce(scheduler=empty.scheduler_address))


def test_the_damage_can_be_left_out_and_the_page_says_so(cases, source):
    undamaged = Plan(source, Workforce(), draws=40, damaged=False)
    report = study([replace(one, source="Elsewhere") for one in cases[:3]], undamaged, lambda *_: None)

    assert report["damage"] == {}
    assert "the cases were not played with damage" in page(report | {"gate": []})


def test_comparators_stand_on_the_same_rows(report):
    scores = report["comparison"]["10"]["scores"]

    assert {"Barocast", "-MAP", "LightGBM, all"} <= scores.keys()
    assert scores["Barocast"]["ours_minus"]["value"] == 0
    assert report["comparators_on_all_patients"]["10"]["-MAP"]["rows"] > report["comparison"]["10"]["rows"]


def test_the_line_on_the_terminal_names_its_denominators(report):
    shipped, onsets = report["alarm"]["shipped"], report["about"]["judged"]["onsets"]
    counted = f"{shipped['detected']} of the {shipped['events']} events that could be foreseen"

    assert f"alarmed: {counted} ({onsets} onsets in all); alarms per eligible hour: " in summary(report)


def test_hypotensive_moments_stand_apart(cases, source, report):
    unseen = [one for one in cases if HALF.role_of(one.subject_id) == "test"]
    found = [account_of(Heard(one), source).played for one in unseen]
    y, p = (
        np.concatenate([getattr(one, name)[:, 1] for one in found]) for name in ("window_labels", "window_p")
    )
    counted = np.isfinite(y)
    apart, main = report["all_windows"]["10"], report["risk"]["10"]

    assert np.isfinite(p).all()
    assert apart["rows"] == counted.sum() > main["rows"]
    assert apart["prevalence"]["value"] == pytest.approx(y[counted].mean())
    assert apart["prevalence"]["value"] > main["prevalence"]["value"]
    assert apart["auroc"]["value"] == pytest.approx(roc_auc_score(y[counted], p[counted]))


def test_worse_input_is_heard_and_silence_is_not_a_low_risk(cases, source):
    account = account_of(Heard(cases[0], stressed=True), source)

    assert account.variants.keys() == {variant.name for variant in VARIANTS}
    assert np.array_equal(account.variants["no text"], account.played.p)  # the toy does not read
    assert np.isnan(account.variants["MAP every 5 min"]).all()
    assert np.nanmean(account.variants["MAP reads 5 mmHg too low"]) > account.played.p.mean()
    assert np.nanmean(account.variants["MAP reads 5 mmHg too high"]) < account.played.p.mean()


def test_damage_is_the_same_wherever_the_case_is_played(cases, source):
    first, second = (account_of(Heard(cases[1], stressed=True), source).variants for _ in range(2))

    assert all(np.array_equal(first[name], second[name], equal_nan=True) for name in first)


def test_every_section_of_the_text_can_be_left_out():
    assert list(SECTION_FIELDS) == list(SECTIONS)
    known = {field for fields in SECTION_FIELDS.values() for field in fields}
    assert known == set(Patient.__slots__)


def test_somebody_elses_score_stands_until_it_is_stale(cases, source, tmp_path):
    rows = rows_of(cases[:2], source)
    first = float(rows.t_s[0])
    (tmp_path / "s.csv").write_text(f"case_id,t_s,index,call\nc0,{first - 10},3,\nc0,{first + 100},7,1\n")
    scores = read_scores(tmp_path / "s.csv", rows, IDS)

    of_first = scores["index"][rows.case == 0, 0]
    assert of_first[:3].tolist() == [3, 3, pytest.approx(np.nan, nan_ok=True)]
    assert np.isnan(scores["call"][rows.case == 1]).all()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("case,t,x\n", "needs the columns"),
        ("case_id,t_s\n", "at least one score"),
        ("case_id,t_s,x\nc0,ten,1\n", ":2: "),
        ("case_id,t_s,x\nc0,nan,1\n", ":2: t_s is 'nan'; write the seconds"),
        ("case_id,t_s,x\nc0,1,62,5\n", ":2: not as many cells"),
        ("case_id,t_s,x,y\nc0,1,62\n", ":2: not as many cells"),
        ("case_id,t_s,Barocast\nc0,1,1\n", ":1: a score cannot be called 'Barocast'"),
        ("case_id,t_s,LepMAP\nc0,1,1\n", ":1: a score cannot be called 'LepMAP'"),
        ("case_id,t_s,x,\nc0,1,1,\n", ":1: a score cannot be called ''"),
        ("case_id,t_s,x,x\nc0,1,1,2\n", ":1: two columns are called 'x'"),
        ("case_id,t_s,x\n\nc0,1,1\nz,1,1\n", ":4: no case 'z'; use the ids of --cases"),
        ("case_id,t_s,x\nc1,1,1\n", "none of its 1 case_ids"),
    ],
)
def test_a_score_file_that_cannot_be_meant_is_refused(cases, source, tmp_path, text, said):
    rows = rows_of(cases[:1], source)
    (tmp_path / "s.csv").write_text(text)

    with pytest.raises(InputError, match=said):
        read_scores(tmp_path / "s.csv", rows, IDS)
