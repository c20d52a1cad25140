"""What the machine tells of itself, from folders built like a Jetson's and a PC's."""

from __future__ import annotations

import pytest

from barocast.plugin.doctor.machine import heat, memory
from barocast.plugin.health.machine import (
    memory_free_bytes,
    power_mode,
    process,
    storage,
    temperatures,
    throttling,
)

JETSON = {
    "sys/class/thermal/thermal_zone0/type": "cpu-thermal",
    "sys/class/thermal/thermal_zone0/temp": "52500",
    "sys/class/thermal/thermal_zone1/type": "gpu-thermal",
    "sys/class/thermal/thermal_zone1/temp": "96000",
    "sys/class/thermal/thermal_zone2/type": "cv0-thermal",
    "sys/class/thermal/thermal_zone2/temp": "-256000",
    "sys/class/thermal/thermal_zone3/type": "cpu-thermal",
    "sys/class/thermal/thermal_zone3/temp": "51000",
    "sys/class/thermal/thermal_zone4/type": "off",
    "sys/class/hwmon/hwmon1/oc1_event_cnt": "0",
    "sys/class/hwmon/hwmon1/oc2_event_cnt": "3",
    "sys/class/thermal/cooling_device0/type": "pwm-fan",
    "sys/class/thermal/cooling_device0/cur_state": "4",
    "sys/class/thermal/cooling_device1/type": "cpu-throttle-alert",
    "sys/class/thermal/cooling_device1/cur_state": "1",
    "var/lib/nvpmodel/status": "pmode:0002",
    "proc/meminfo": "MemTotal: 8 kB\nMemAvailable:     307200 kB\n",
}


@pytest.fixture
def jetson(tmp_path):
    for name, text in JETSON.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return tmp_path


def test_zones_are_told_in_degrees_and_one_that_is_off_is_not(jetson):
    assert temperatures(jetson) == {"cpu-thermal": 52.5, "gpu-thermal": 96.0, "thermal_zone3": 51.0}


def test_a_fan_slows_nothing_and_a_throttle_does(jetson):
    assert throttling(jetson) == {"over-current": 3.0, "cooling": 1.0}


def test_the_power_mode_is_told_where_there_is_one(jetson, tmp_path):
    assert (power_mode(jetson), power_mode(tmp_path / "pc")) == ("2", "")


def test_a_machine_that_tells_nothing_is_no_trouble(tmp_path):
    assert (temperatures(tmp_path), throttling(tmp_path), memory_free_bytes(tmp_path)) == ({}, {}, None)
    assert (heat(tmp_path), memory(tmp_path), storage(tmp_path / "none")) == ([], [], None)


def test_doctor_says_what_is_too_hot_slowed_and_short_of_memory(jetson):
    said = {finding.text: finding.ok for finding in (*heat(jetson), *memory(jetson))}

    assert said == {
        "hottest: gpu-thermal, 96 C; give it air": False,
        "the processor was slowed: over-current 3, cooling 1; give it air or a lower power mode": False,
        "nvpmodel 2; latencies hold for the mode in which they were taken": True,
        "300 MB available; a bed may take 400: end what else runs here": False,
    }


def test_this_very_process_has_memory_and_descriptors():
    own = process()

    assert own.resident_bytes > 1 << 20
    assert own.descriptors >= 3
