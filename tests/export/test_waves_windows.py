"""The cohort's windows: which are read, which are judged, and why the others are not."""

from __future__ import annotations

import numpy as np
import pytest
from toy_waves import pulses, rows, write_windows

from barocast.export.waves.windows import (
    HYPOTENSIVE,
    INVALID,
    JUDGED,
    UNKNOWN,
    capnogram,
    counts,
    icu_windows,
    plethysm,
    pressure,
    read_windows,
)
from barocast.runtime.errors import InputError


def test_every_window_has_a_verdict_and_only_valid_normotensive_ones_are_judged(tmp_path):
    table = [row | {"MAP": 80.0} for row in rows(patients=2)]
    table[0]["abp_ok"] = False
    table[1]["MAP"] = 64.9
    table[2]["MAP"] = float("nan")
    table[3]["caseid"] = 999
    table[4] |= {"MAP": 60.0, "abp_ok": False}

    windows = read_windows(write_windows(tmp_path, table))

    assert counts(windows) == {JUDGED: 7, INVALID: 3, HYPOTENSIVE: 1, UNKNOWN: 1}
    assert windows.judged.tolist() == [False] * 5 + [True] * 7


def test_cases_of_one_patient_are_of_one_subject(tmp_path):
    windows = read_windows(write_windows(tmp_path, rows(patients=2)))

    assert sorted(set(zip(windows.case.tolist(), windows.subject.tolist(), strict=True))) == [
        (0, "100"),
        (1, "100"),
        (2, "101"),
        (3, "101"),
    ]


def test_an_absent_cohort_is_named_with_the_mend(tmp_path):
    with pytest.raises(InputError, match=r"windows\.parquet: no such file; set BAROCAST_COHORT"):
        read_windows(tmp_path)


def test_waves_that_do_not_fit_the_table_are_refused(tmp_path):
    cohort = write_windows(tmp_path, rows(patients=2))
    path = cohort / "vitaldb_windows" / "waves.npz"
    with np.load(path) as archive:
        waves = {name: archive[name][1:] for name in archive.files}
    np.savez(path, **waves)

    with pytest.raises(InputError, match="differ in rows"):
        read_windows(cohort)


def test_a_run_of_zeros_is_missing_and_a_single_zero_is_not():
    steps = np.full(1500, 320, dtype=np.int16)
    steps[100], steps[200:210] = 0, 0

    mmhg = pressure(steps)

    assert mmhg[100] == 0
    assert np.flatnonzero(np.isnan(mmhg)).tolist() == list(range(200, 210))
    assert mmhg[0] == 80


def test_a_pleth_of_zeros_and_a_capnogram_of_nothing_are_missing():
    assert np.isnan(plethysm(np.zeros(750, dtype=np.uint8))).all()
    assert np.isnan(capnogram(np.zeros(300, dtype=np.uint8))).all()


def test_inspired_gas_is_a_true_zero():
    steps = np.repeat(np.array([80, 0] * 5, dtype=np.uint8), 30)

    assert capnogram(steps).tolist() == np.repeat([40.0, 0.0] * 5, 30).tolist()


def test_an_icu_record_is_cut_into_windows_of_the_same_wave(tmp_path):
    windows = icu_windows(write_windows(tmp_path, rows(patients=1)))

    assert windows.abp.shape == (1, 1500)
    assert not windows.judged.any()
    assert np.abs(pressure(windows.abp[0]) - pulses()).mean() < 1
