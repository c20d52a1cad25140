"""Every real capture, whole: its frames, its damage by kind, its channels, and wave against numbers.

One table holds every file of the captures' folder. A file that is not in it fails, so that nothing is added
without being looked at. What single formats make of single bytes stands in their own tests.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
from shared_data import captures

from barocast.plugin.feeds import find_feed
from barocast.runtime.decoders.dri import DriDecoder
from barocast.runtime.decoders.dri_frame import Deframer, Frame, frame
from barocast.runtime.decoders.intellivue import IntelliVueDecoder
from barocast.runtime.decoders.intellivue_framing import Datagrams
from barocast.runtime.decoders.intellivue_log import StampedLog
from barocast.runtime.domain import Corrupt, DeviceAlarm, FeedCounts, Sample, WaveChunk

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.runtime.sessions.session import Decoder

AGREE_MMHG = 2.0
"""How far the mean of a pressure wave may be from the mean that the monitor shows."""


# ---- how each kind of file is read ---------------------------------------------------------------------


def as_it_is(data: bytes) -> list[bytes]:
    return [data]


def dumped(data: bytes) -> list[bytes]:
    """One datagram as hex, with offsets and remarks."""
    return [bytes.fromhex("".join(re.findall(r"(?<![\w:])[0-9a-f]{2}(?![\w:])", data.decode())))]


def behind_ethernet(data: bytes) -> list[bytes]:
    """The same, behind 42 bytes of Ethernet, IP and UDP headers."""
    return [datagram[42:] for datagram in dumped(data)]


def printed_by_the_tool(data: bytes) -> list[bytes]:
    """Datagrams as upper-case hex, each under a line that says what it is; the list of 26 ends in blanks."""
    listings = re.split(rb"^.* Request .*$", data, flags=re.MULTILINE)[1:]
    return [bytes.fromhex("".join(re.findall(r"\b[0-9A-F]{2}\b", listing.decode()))) for listing in listings]


def worked_examples(data: bytes) -> list[bytes]:
    return [bytes.fromhex(example["hex"]) for example in json.loads(data)["examples"]]


def feed(name: str) -> Callable[[], Decoder]:
    """As `barocast decode --feed` reads it."""
    return lambda: find_feed(name).decoder()


def demo() -> Decoder:
    """Demo data as if they were a patient's."""
    return IntelliVueDecoder(allow_demo=True)


def datagrams() -> Decoder:
    return IntelliVueDecoder(Datagrams())


def demo_log() -> Decoder:
    return IntelliVueDecoder(StampedLog(), allow_demo=True)


# ---- what each file holds ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Capture:
    decoder: Callable[[], Decoder]
    frames: int
    samples: int
    values: dict[str, float | tuple[float, float]] = field(default_factory=dict)
    """Channel -> its one valid value, or lowest and highest."""
    refused: dict[str, str] = field(default_factory=dict)
    """Channel that has no valid value -> why."""
    corrupt: dict[str, int] = field(default_factory=dict)
    octets: Callable[[bytes], list[bytes]] = as_it_is


MP70 = {
    "ABP_SYS": 120, "ABP_DIA": 70, "ABP_MEAN": 91, "PAP_SYS": 28, "PAP_DIA": 15, "PAP_MEAN": 21,
    "CVP_MEAN": 9, "HR": 60, "PR": 60, "RR": 15, "SPO2": 95, "ETCO2": 30, "TEMP": 37.02,
    "PAP_WAVE": (15.4375, 28), "CO2_WAVE": (0, 30), "ECG_WAVE": (-0.215, 2.02), "RESP_WAVE": (-0.123, 0.876),
}  # fmt: skip
"""What an MP70 in demo mode shows."""
NO_CUFF = dict.fromkeys(("NIBP_SYS", "NIBP_DIA", "NIBP_MEAN"), "unavailable")
NO_LINE = dict.fromkeys(("ABP_SYS", "ABP_DIA", "ABP_MEAN", "CVP_MEAN"), "unavailable")
RECORDER = {
    "ABP_SYS": 120, "ABP_DIA": 70, "ABP_MEAN": 91, "ABP_WAVE": (70, 120.25), "ECG_WAVE": (-0.185, 0.76),
    "NIBP_SYS": 120, "NIBP_DIA": 80, "NIBP_MEAN": 90, "HR": 60, "PR": 60, "RR": 15, "SPO2": 95,
}  # fmt: skip
"""What an IntelliVue in demo mode showed to a Vital Recorder."""

CAPTURES = {
    "bis/mdrepo_bis_frames.bin": Capture(feed("bis"), 6, 30, {"BIS": (83.6, 92.5)}),
    "ge_dri/pycollect_db00.raw": Capture(
        feed("dri"), 3520, 378434,
        {"HR": (68, 98), "PR": (68, 101), "RR": (14, 29), "SPO2": (95.16, 100),
         "PLETH_WAVE": (-0.0931, 0.0301), "NIBP_SYS": (79, 94), "NIBP_DIA": (52, 63), "NIBP_MEAN": (64, 77)},
        NO_LINE, {"garbage": 1, "cut short": 1},
    ),
    "ge_dri/pycollect_db02.raw": Capture(
        feed("dri"), 213, 23986,
        {"HR": (76, 80), "PR": (74, 84), "RR": (15, 17), "SPO2": (95.71, 96.65),
         "PLETH_WAVE": (-0.0257, 0.0437), "NIBP_SYS": 93, "NIBP_DIA": 48, "NIBP_MEAN": 69,
         "ETCO2": (26.973, 37.002)},
        NO_LINE, {"cut short": 1},
    ),
    "ge_dri/pycollect_notebooks_raw.raw": Capture(
        feed("dri"), 21, 2290,
        {"HR": (79, 80), "PR": (75, 83), "RR": (15, 16), "SPO2": (95.71, 96.65),
         "PLETH_WAVE": (-0.0222, 0.0404), "NIBP_SYS": 93, "NIBP_DIA": 48, "NIBP_MEAN": 69,
         "ETCO2": (29.024, 37.002)},
        NO_LINE, {"cut short": 1},
    ),
    "hl7/bbraun_pcd04_r40_end.hl7": Capture(feed("hl7"), 1, 0),
    "hl7/bbraun_pcd04_r40_start.hl7": Capture(feed("hl7"), 1, 0),
    "hl7/ge_vsp_pcd01_v26_art.hl7": Capture(
        feed("hl7"), 1, 11,
        {"ABP_SYS": 112, "ABP_DIA": 76, "ABP_MEAN": 95, "HR": 80, "PR": 80, "RR": 18, "SPO2": 100,
         "TEMP": 37.1},
    ),
    "hl7/ihe_nist_pcd01_spo2.hl7": Capture(feed("hl7"), 1, 1, {"PR": 55}),
    "hl7/mindray_dseries_wave_na_500hz.hl7": Capture(feed("hl7"), 1, 500, {"RESP_WAVE": 0}),
    "hl7/mindray_egateway_pcd04_r40_start.hl7": Capture(feed("hl7"), 1, 0),
    "hl7/mindray_oem_xh80x_w01_wave.hl7": Capture(feed("hl7"), 1, 10, refused={"ECG_WAVE": "unit"}),
    "hl7/mindray_pds_v231.hl7": Capture(feed("hl7"), 1, 5, {"HR": 60, "RR": 20, "TEMP": 37}),
    "hl7/mindray_wave_na_ecg_short.hl7": Capture(feed("hl7"), 1, 3, {"ECG_WAVE": (0.09768, 0.112332)}),
    "hl7/nihon_kohden_bsm_v24_vital_nibp.hl7": Capture(
        feed("hl7"), 1, 6, {"NIBP_SYS": 133, "NIBP_DIA": 77, "NIBP_MEAN": 95, "PR": 77, "SPO2": 99}
    ),
    "hl7/nihon_kohden_gateway_art_obx_rows.hl7": Capture(
        feed("hl7"), 1, 25,
        {"ABP_SYS": 124, "ABP_DIA": 88, "ABP_MEAN": 100, "NIBP_SYS": 171, "NIBP_DIA": 122, "NIBP_MEAN": 138,
         "HR": 75, "PR": 73, "RR": 16, "SPO2": 98, "ETCO2": 40},
    ),
    "hl7/philips_iic_outbound_v22_abp.hl7": Capture(
        feed("hl7"), 1, 6, {"ABP_SYS": 120, "ABP_DIA": 70, "ABP_MEAN": 91, "HR": 60, "RR": 15, "SPO2": 95}
    ),
    "hl7/philips_intellibridge_pcd01_v26.hl7": Capture(
        feed("hl7"), 1, 9, {"NIBP_SYS": 117, "NIBP_DIA": 82, "NIBP_MEAN": 90, "HR": 80, "RR": 30, "SPO2": 99}
    ),
    "hl7/philips_piic_v25_demo_bed.hl7": Capture(feed("hl7"), 1, 3, refused={"HR": "test", "RR": "test"}),
    "intellivue/dd_intellivue_mp70_response.log.UDP_05192014_demo_data": Capture(
        demo_log, 882, 70269, MP70 | {"PLETH_WAVE": (0.251, 0.749)}, NO_CUFF | {"CO": "unavailable"}
    ),
    "intellivue/dd_intellivue_mp70_response.log.serial_05192014_demo_data": Capture(
        demo, 869, 69124, MP70 | {"PLETH_WAVE": (0.251, 0.749)}, NO_CUFF | {"CO": "unavailable"},
        {"garbage": 869},  # the host's stamps before each frame
    ),
    "intellivue/dd_intellivue_mp70_response.log.sim_1module_presss_nbp_ecg_press": Capture(
        feed("intellivue-udp"), 1153, 59584, {"HR": 70, "RR": 15, "ECG_WAVE": (-0.11, 0.515)},
        NO_CUFF | dict.fromkeys(("ABP_SYS", "ABP_DIA", "ABP_MEAN", "PR"), "invalid"),
    ),
    "intellivue/jvscapture_MPRawoutput1.raw": Capture(
        feed("intellivue-serial"), 2887, 326136, {"HR": 60, "ECG_WAVE": (-0.47, 1.59), "PLETH_WAVE": 0.5001},
        NO_CUFF | {"SPO2": "invalid", "PR": "invalid"}, {"cut short": 1},
    ),
    "intellivue/koshsky_connect_indication_mcast.hexdump.txt": Capture(
        datagrams, 1, 0, octets=behind_ethernet
    ),
    "intellivue/koshsky_single_poll_numerics_russian.txt": Capture(
        datagrams, 1, 14, refused=NO_CUFF | {"HR": "invalid", "RR": "invalid"}, octets=dumped
    ),
    "intellivue/saifur_DETT_tool_log.txt": Capture(datagrams, 10, 0, octets=printed_by_the_tool),
    "intellivue/saifur_MPRawoutput1_client_requests.raw": Capture(
        feed("intellivue-serial"), 182, 0, corrupt={"cut short": 1}
    ),
    "masimo/rad8_ascii1_sensor_off.txt": Capture(
        feed("masimo"), 1, 4, refused={"SPO2": "missing", "PR": "missing"}
    ),
    "medibus/manual_worked_examples.json": Capture(
        feed("medibus"), 18, 2, {"SPO2": 98, "PR": 70}, corrupt={"checksum": 2}, octets=worked_examples
    ),  # two examples are misprints
    "vital/parsevital_test_data_demo.vital": Capture(
        feed("vital"), 1047, 29047, RECORDER | {"PLETH_WAVE": (25.079, 74.921), "RESP_WAVE": (19.072, 59.023)}
    ),
    "vital/parsevital_test_intellivue_demo1.vital": Capture(
        feed("vital"), 658, 19525, RECORDER | {"PLETH_WAVE": (25.104, 74.872)}
    ),
}  # fmt: skip
NOT_CAPTURES = ("README", "LICENSE")


@dataclass(frozen=True)
class Told:
    """What a capture's events come to."""

    counts: FeedCounts
    values: dict[str, np.ndarray]
    """Channel -> its valid values, (n,)."""
    refused: dict[str, str]
    """Channel without any -> the last reason."""
    alarms: set[str]


@cache
def told(name: str) -> Told:
    decoder = CAPTURES[name].decoder()
    pieces = CAPTURES[name].octets(captures(name).read_bytes())
    events = [event for piece in pieces for event in decoder.feed(piece)] + decoder.close()
    measured = [e for e in events if isinstance(e, Sample | WaveChunk) and e.channel]
    found = {channel: valid_values(measured, channel) for channel in {e.channel for e in measured}}
    return Told(
        decoder.counts,
        {channel: values for channel, values in found.items() if len(values)},
        {e.channel: str(e.reason) for e in measured if not len(found[e.channel])},
        {e.text for e in events if isinstance(e, DeviceAlarm)},
    )


def valid_values(measured: list[Sample | WaveChunk], channel: str) -> np.ndarray:
    valid = [e for e in measured if e.channel == channel and e.valid]
    values = [np.atleast_1d(e.value if isinstance(e, Sample) else e.values) for e in valid]
    joined = np.concatenate([*values, []])
    return joined[np.isfinite(joined)]


def test_every_file_of_the_folder_is_in_the_table():
    folder = captures("README.md").parent
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(NOT_CAPTURES))

    assert {path.relative_to(folder).as_posix() for path in files} == set(CAPTURES)


@pytest.mark.parametrize("name", CAPTURES)
def test_a_capture_decodes_with_its_counts(name: str):
    counts, held = told(name).counts, CAPTURES[name]

    assert (counts.frames, counts.samples) == (held.frames, held.samples)
    assert counts.corrupt_by_reason == held.corrupt


@pytest.mark.parametrize("name", CAPTURES)
def test_a_capture_tells_its_channels_and_values(name: str):
    found = {channel: (values.min(), values.max()) for channel, values in told(name).values.items()}
    held = {c: v if isinstance(v, tuple) else (v, v) for c, v in CAPTURES[name].values.items()}

    assert found.keys() == held.keys()
    for channel, bounds in held.items():
        assert found[channel] == pytest.approx(bounds, abs=5e-4), channel


@pytest.mark.parametrize("name", CAPTURES)
def test_a_channel_without_a_valid_value_says_why(name: str):
    assert told(name).refused == CAPTURES[name].refused


def test_dri_captures_hold_3754_good_frames():
    assert sum(held.frames for name, held in CAPTURES.items() if name.startswith("ge_dri/")) == 3754


@pytest.mark.parametrize(
    ("name", "pressure"),
    [
        ("intellivue/dd_intellivue_mp70_response.log.UDP_05192014_demo_data", "PAP"),
        ("intellivue/dd_intellivue_mp70_response.log.serial_05192014_demo_data", "PAP"),
        ("vital/parsevital_test_data_demo.vital", "ABP"),
        ("vital/parsevital_test_intellivue_demo1.vital", "ABP"),
    ],
)
def test_the_mean_of_a_wave_is_the_mean_that_the_monitor_shows(name: str, pressure: str):
    wave, shown = told(name).values[f"{pressure}_WAVE"], told(name).values[f"{pressure}_MEAN"]

    assert wave.mean() == pytest.approx(shown.mean(), abs=AGREE_MMHG)


def test_no_other_capture_holds_a_pressure_wave_and_its_mean():
    both = {
        name
        for name, capture in CAPTURES.items()
        for pressure in ("ABP", "PAP")
        if {f"{pressure}_WAVE", f"{pressure}_MEAN"} <= capture.values.keys()
    }

    assert len(both) == 4


def test_a_line_without_a_transducer_tells_its_alarm():
    name = "intellivue/dd_intellivue_mp70_response.log.sim_1module_presss_nbp_ecg_press"

    assert told(name).alarms == {"ABP Zero+Check Cal"}


def test_recorded_dri_frames_that_lost_a_byte_but_kept_their_sum_are_caught_by_the_second_check():
    """A zero lost to an overrun leaves the sum as it was; the record's own length does not."""
    stream = captures("ge_dri/pycollect_db02.raw").read_bytes()
    payloads = [found.payload for found in Deframer().feed(stream) if isinstance(found, Frame)]
    shorter = [payload[: (at := payload.index(0, 60))] + payload[at + 1 :] for payload in payloads]
    decoder = DriDecoder()
    events = decoder.feed(b"".join(map(frame, shorter)))

    assert decoder.counts.corrupt_by_reason == {"r_len": 213}
    assert decoder.counts.frames == 0
    assert all(isinstance(event, Corrupt) for event in events)
