"""The report's main figures, computed once more in a few lines that share nothing with the tool."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score
from toy_report import RULES, report_of, theatre

from barocast.calibration.figures import quantized

COLUMNS = (("5", 0), ("10", 1), ("15", 2))


@pytest.fixture(scope="module")
def rows():
    return theatre()


@pytest.fixture(scope="module")
def report(rows):
    return report_of(rows)


@pytest.mark.parametrize(("minutes", "column"), COLUMNS)
def test_discrimination_and_calibration(rows, report, minutes, column):
    known = ~np.isnan(rows.labels[:, column])
    y, p = rows.labels[known, column], rows.p[known, column]
    found = report["risk"][minutes]
    slope = LogisticRegression(C=np.inf, tol=1e-9).fit(np.log(p / (1 - p))[:, None], y).coef_[0, 0]

    assert found["auroc"]["value"] == pytest.approx(roc_auc_score(y, p))
    assert found["auprc"]["value"] == pytest.approx(average_precision_score(y, p))
    assert found["brier"]["value"] == pytest.approx(brier_score_loss(y, p))
    assert found["observed_expected"]["value"] == pytest.approx(y.sum() / p.sum())
    assert found["slope"]["value"] == pytest.approx(slope, rel=1e-3)


def rung(t_s, p):
    """Ring when two in a row reach p_on; again only below p_off and 300 s later."""
    times, active, above = [], False, False
    for at, risk in zip(t_s, p, strict=True):
        if active:
            active, above = risk >= RULES.p_off, risk >= RULES.p_off and above
            above = active and risk >= RULES.p_on
            continue
        if risk >= RULES.p_on and above and (not times or at - times[-1] >= 300):
            times.append(at)
            active = True
        above = risk >= RULES.p_on
    return times


def onsets(series):
    """Give the first samples of runs below 65 of a minute or more, two minutes apart or more."""
    found, since, ended = [], None, -np.inf
    for at, low in enumerate([*(series < 65), False]):
        if low:
            since = at if since is None else since
        elif since is not None and not (at + 1 < series.size and series[at + 1] < 65):
            if (at - since) * 10 >= 60:
                if (since * 10 - ended) >= 120:
                    found.append(since * 10.0)
                ended = at * 10.0
            since = None
    return found


def test_alarms(rows, report):
    events = hit = alarms = 0
    for number, case in enumerate(rows.cases):
        of = rows.case == number
        t_s, p = rows.at[of] * 10.0, rows.p[of, 1]
        times = rung(t_s.tolist(), p.tolist())
        alarms += len(times)
        for onset in onsets(case.map_mmhg):
            events += bool(((t_s < onset) & (t_s >= onset - 600)).any())
            earlier = [other for other in onsets(case.map_mmhg) if other < onset]
            hit += any(onset - 600 <= at < onset and not any(at < e for e in earlier) for at in times)
    shipped = report["alarm"]["shipped"]

    assert events == shipped["events"] > 5
    assert shipped["event_sensitivity"] == pytest.approx(hit / events)
    assert shipped["alarms_per_hour"] == pytest.approx(alarms / (len(rows) * 30 / 3600))


def test_the_forecast(rows, report):
    low, middle, high = np.moveaxis(rows.quantiles, 1, 0)
    seen = np.isfinite(rows.future)
    inside = (low <= rows.future) & (rows.future <= high)
    found = report["forecast"]

    assert found["coverage_80"]["value"] == pytest.approx(inside[seen].mean())
    assert found["mae_mmhg"]["value"] == pytest.approx(np.abs(rows.future - middle)[seen].mean())


def test_prevalence_and_counts(rows, report):
    judged = report["about"]["judged"]

    assert report["risk"]["10"]["prevalence"]["value"] == pytest.approx(np.nanmean(rows.labels[:, 1]))
    assert judged["onsets"] == sum(len(onsets(case.map_mmhg)) for case in rows.cases)


def test_quantized_against_float(rows):
    parent = np.clip(rows.p + np.linspace(-0.02, 0.02, len(rows))[:, None], 0, 1)
    found = quantized.figures(rows, parent, RULES, 1, (5, 10, 15), 20)
    known = ~np.isnan(rows.labels[:, 1])
    y = rows.labels[known, 1]
    change = roc_auc_score(y, rows.p[known, 1]) - roc_auc_score(y, parent[known, 1])

    assert found["horizons"]["10"]["max_risk_change"] == pytest.approx(np.abs(rows.p - parent)[:, 1].max())
    assert found["horizons"]["10"]["auroc_change"]["value"] == pytest.approx(change)
    assert found["decisions_changed"] == ((rows.p[:, 1] >= 0.5) != (parent[:, 1] >= 0.5)).sum() > 0


def test_a_parent_that_says_nothing_has_nothing_to_be_compared(rows):
    found = quantized.figures(rows, np.full_like(rows.p, np.nan), RULES, 1, (5, 10, 15), 20)

    assert (found["landmarks"], found["answered_by_one_only"]) == (0, len(rows))
    assert np.isnan(found["horizons"]["5"]["max_risk_change"])
