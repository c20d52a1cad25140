"""McNemar, held against statsmodels and scipy."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest
from statsmodels.stats.contingency_tables import mcnemar as sm_mcnemar

from barocast.calibration.proportions import mcnemar


@pytest.mark.parametrize(("first", "second"), [(0, 0), (5, 0), (12, 30), (40, 40), (900, 1100)])
def test_mcnemar_is_the_exact_test_of_statsmodels(first, second):
    expected = sm_mcnemar([[7, first], [second, 9]], exact=True).pvalue if first + second else 1.0

    assert mcnemar(first, second) == pytest.approx(expected)


def test_thousands_of_disagreements_neither_overflow_nor_round():
    assert mcnemar(20_000, 20_600) == pytest.approx(binomtest(20_000, 40_600).pvalue)
