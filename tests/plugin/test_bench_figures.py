"""The figures of `barocast bench` that need no clock: percentiles, sensors of a made-up board, the table."""

from __future__ import annotations

import math

import pytest

from barocast.plugin.bench.fresh import Start, typical
from barocast.plugin.bench.power import sensors
from barocast.plugin.bench.report import Measured, Power, Report
from barocast.plugin.bench.spread import beds_per_core, spread


def write(folder, **contents):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_text(f"{content}\n")


def jetson(root):
    """An INA3221 with the board's own rail and one of its parts; the third channel is not wired."""
    write(
        root / "sys/bus/i2c/drivers/ina3221/1-0040/hwmon/hwmon3",
        in1_label="VDD_IN",
        in1_input=5000,
        curr1_input=1200,
        in2_label="VDD_CPU_GPU_CV",
        in2_input=5000,
        curr2_input=300,
        in3_input=0,
        curr3_input=0,
    )


def rapl(root, joules, limit=1000):
    write(
        root / "sys/class/powercap/intel-rapl:0",
        name="package-0",
        energy_uj=round(joules * 1e6),
        max_energy_range_uj=limit * 10**6,
    )


def test_percentiles_are_durations_that_were_seen():
    found = spread([i / 1000 for i in range(1, 1001)])

    assert (found.n, found.p50_ms, found.p99_ms, found.p999_ms) == (1000, 500.0, 990.0, 999.0)


def test_a_percentile_that_too_few_were_seen_for_is_not_given():
    found = spread([0.001] * 99)

    assert found.p50_ms == 1.0
    assert math.isnan(found.p99_ms)
    assert math.isnan(found.p999_ms)


def test_one_slow_tick_in_a_thousand_is_no_percentile_but_two_are():
    assert spread([0.001] * 999 + [1.0]).p999_ms == 1.0
    assert spread([0.001] * 998 + [1.0] * 2).p999_ms == 1000.0


@pytest.mark.parametrize(("cost", "beds"), [(0.001, 1000.0), (0.5, 2.0), (0.0, math.nan)])
def test_beds_keep_a_core_busy(cost, beds):
    assert beds_per_core(cost) == pytest.approx(beds, nan_ok=True)


def test_the_whole_board_is_told_rather_than_its_parts(tmp_path):
    jetson(tmp_path)
    rapl(tmp_path, 5)

    (sensor,) = sensors(tmp_path)

    assert sensor.name == "VDD_IN"
    assert sensor.read() == 6.0
    assert sensor.watts([(0.0, 6.0), (1.0, 8.0)]) == 7.0


def test_a_counter_of_energy_is_followed_through_its_restart(tmp_path):
    rapl(tmp_path, 990)
    (sensor,) = sensors(tmp_path)
    before = sensor.read()
    rapl(tmp_path, 10)

    assert sensor.name == "package-0"
    assert sensor.watts([(0.0, before), (2.0, sensor.read())]) == pytest.approx(10.0)
    assert math.isnan(sensor.watts([(0.0, before)]))


def test_parts_of_a_package_are_not_counted_twice(tmp_path):
    rapl(tmp_path, 5)
    write(tmp_path / "sys/class/powercap/intel-rapl:0:0", name="core", energy_uj=1, max_energy_range_uj=9)

    assert [sensor.name for sensor in sensors(tmp_path)] == ["package-0"]


def test_a_board_that_tells_nothing_has_no_sensor(tmp_path):
    write(tmp_path / "sys/class/powercap/intel-rapl:0", name="package-0", max_energy_range_uj=9)

    assert sensors(tmp_path) == []


def test_the_typical_start_is_the_median_of_each_figure():
    starts = [Start(cold, 0.1, 0.2, rss, None) for cold, rss in ((3.0, 70.0), (1.0, None), (2.0, 80.0))]

    assert typical(starts) == Start(2.0, 0.1, 0.2, 75.0, None)


def measured(**changes):
    fields = {
        "bundle": "toy-1",
        "engine": "onnxruntime CPU",
        "precision": "int8",
        "file_bytes": 500_000,
        "tick": spread([0.001] * 1000),
        "new_patient": spread([0.003] * 200),
        "start": Start(0.5, 0.01, 0.2, 78.4, None),
        "cpu_s_per_bed_s": {"numbers": {"1 s": 0.002, "30 s": 0.0002}},
    }
    return Measured(**(fields | changes))


def test_the_table_has_a_column_for_each_engine_and_the_reasons_of_the_absent():
    text = Report("a box", 1, [measured(), measured(bundle="toy-2")], {"tensorrt": "no GPU"}).to_text()

    for words in (
        "| toy-1 ",
        "| toy-2 ",
        "1.00 / 1.00 / 1.00",
        "3.00 / 3.00 / -",
        "| 2.00 ",
        "78 MB / not reported",
        "power; energy a decision",
        "every 1 s; numbers",
        "| 500 ",
        "| 5,000 ",
        "tensorrt: not here: no GPU",
    ):
        assert words in text
    assert len({len(line) for line in text.splitlines() if line.startswith("|")}) == 1


def test_energy_of_a_decision_is_what_comes_on_top_of_idling():
    power = Power("VDD_IN", idle_w=4.0, busy_w=6.0, decisions_per_s=1000.0)

    text = Report("a box", 1, [measured(power=(power,))]).to_text()

    assert "VDD_IN: 6.00 W busy, 4.00 W idle, 2.00 mJ" in text


def test_figures_as_json_hold_null_where_there_is_no_figure():
    told = Report("a box", 1, [measured()]).to_dict()

    assert told["measured"][0]["new_patient"]["p999_ms"] is None
    assert told["measured"][0]["tick"]["p999_ms"] == 1.0
