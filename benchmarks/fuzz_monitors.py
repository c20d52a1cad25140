"""Seeds of patient monitors: what the virtual ones say to our sessions, and what they never have to say."""

from __future__ import annotations

from datetime import datetime, timezone
from math import nan
from struct import pack
from typing import TYPE_CHECKING, Final

from barocast.plugin.virtual.dri import VirtualDri
from barocast.plugin.virtual.hl7 import VirtualHl7
from barocast.plugin.virtual.intellivue import VirtualIntelliVue
from barocast.plugin.virtual.physiology import SimulatedPatient
from barocast.plugin.virtual.scenario import SCENARIOS
from barocast.runtime.decoders import dri_frame, mib, mllp
from barocast.runtime.decoders import intellivue_codes as codes
from barocast.runtime.decoders.dri_record import DISPLAYED, TREND_10_S, TREND_60_S, Record, SubRecord
from barocast.runtime.decoders.dri_record import build as dri_record
from barocast.runtime.decoders.dri_request import EXT1, EXT2, EXT3, PhysiologyRequest, WaveRequest, record_of
from barocast.runtime.decoders.dri_waves import WAVES
from barocast.runtime.decoders.intellivue_alarms import Alarm, alarm_bytes
from barocast.runtime.decoders.intellivue_association import Act, Association, Terms
from barocast.runtime.decoders.intellivue_builder import build
from barocast.runtime.decoders.intellivue_layout import HEADS
from barocast.runtime.decoders.intellivue_numbers import number_bytes
from barocast.runtime.decoders.intellivue_pdu import EventReport, Failure, Observation, PollResult, SetResult
from barocast.runtime.decoders.intellivue_sources import ARTERIAL_LINES
from barocast.runtime.decoders.intellivue_values import date_time_bytes, float_word, label_list, listed
from benchmarks.captures import captured, logged
from benchmarks.fuzz_seed import Seed, sealed, spread
from benchmarks.spoken import spoken

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.runtime.decoders.intellivue_pdu import Pdu
SPOKEN_S: Final = 12.0
"""Seconds of conversation with a virtual monitor."""
_WHEN: Final = date_time_bytes(datetime(2026, 3, 2, 7, 30, tzinfo=timezone.utc))


def _patient() -> SimulatedPatient:
    return SimulatedPatient(SCENARIOS["artefacts"], 1)


def _unframed(stream: bytes) -> list[bytes]:
    return [found.payload for found in mib.Deframer().feed(stream) if isinstance(found, mib.Frame)]


def _payloads() -> list[bytes]:
    waves = ("ABP_WAVE", "PLETH_WAVE", "PAP_WAVE", "CVP_WAVE", "CO2_WAVE")
    said = _unframed(spoken("intellivue-serial", VirtualIntelliVue(_patient(), waves=waves), SPOKEN_S))
    demo = _unframed(spoken("intellivue-serial", VirtualIntelliVue(_patient(), demo=True), SPOKEN_S))
    real = [
        *spread(_unframed(captured("intellivue/jvscapture_MPRawoutput1.raw"))),
        *spread(logged("intellivue/dd_intellivue_mp70_response.log.UDP_05192014_demo_data")),
        *spread(logged("intellivue/dd_intellivue_mp70_response.log.sim_1module_presss_nbp_ecg_press")),
    ]
    return [*said, *spread(demo), *map(build, _monitor_pdus()), _call(), *real]


def _call() -> bytes:
    """Give the connect indication, whose head is another."""
    event = EventReport(0, False, 0, codes.CONNECT_INDICATION, {})  # noqa: FBT003 - a field, not a switch
    return HEADS[1] + build(event)[len(HEADS[1]) :]


def _pressures(line: int) -> bytes:
    """Give systolic, diastolic and mean of one label."""
    return listed([number_bytes(line + part, 0, codes.MMHG, float_word(80 + part)) for part in (1, 2, 3)])


def _monitor_pdus() -> list[Pdu]:
    """Give what a virtual monitor has no occasion to say."""
    created = {codes.OPERATING_MODE: b"\x40\x00", codes.DATE_TIME: _WHEN}
    absent = {codes.NUMERIC_VALUE: number_bytes(0x4A17, 0x8000, codes.KPA, float_word(nan))}
    lines = [{codes.COMPOUND_NUMERIC: _pressures(line)} for line in ARTERIAL_LINES]
    cuff = {codes.COMPOUND_NUMERIC: _pressures(0x4A04), codes.MEASURED_AT: _WHEN}
    seen = tuple(Observation(1, at, attributes) for at, attributes in enumerate((*lines, cuff, absent)))
    told = [Alarm(0x1A08, 0, "ABP Zero+Check Cal", "low", technical=True)]
    told += [Alarm(0x0402, state, "** ABPm 58<70", "medium", technical=False) for state in (0, 0x100, 0x8000)]
    alarms = {
        key: listed([alarm_bytes(each) for each in told])
        for key in (codes.TECHNICAL_ALARMS, codes.PATIENT_ALARMS)
    }
    return [
        Association(Act.RESPONSE, Terms()),
        *(Association(act) for act in (Act.REFUSE, Act.RELEASED, Act.ABORT)),
        EventReport(1, True, 80_000, codes.MDS_CREATE, created),  # noqa: FBT003 - a field, not a switch
        SetResult(2, {codes.WAVE_LIST: label_list(ARTERIAL_LINES)}),
        *(Failure(3, error) for error in (0, 1, 2, 10)),
        *(PollResult(4, 1, 5, 90_000, codes.NUMERIC, 0, seen, (state, state)) for state in (1, 2, 3)),
        PollResult(4, 1, None, 0xFFFFF000, codes.NUMERIC, 0, seen),
        PollResult(5, 2, 6, 4096, codes.ALERT_MONITOR, 0, (Observation(1, 9, alarms),)),
        PollResult(6, 3, 7, 4096, codes.MDS, 0, (Observation(0, 0, created),)),
    ]


def intellivue(seal: Callable[[bytes], bytes]) -> list[Seed]:
    """Give payloads of every kind under a seal: framed, stamped, or the bare datagram."""
    return sealed(_payloads(), seal)


def framed(payload: bytes) -> bytes:
    """Give a payload as a serial line carries it."""
    return mib.frame(payload[: mib.MAX_PAYLOAD])


def stamped(payload: bytes) -> bytes:
    """Give a datagram as a host logs it."""
    return b"2026/03/02T07:30:00,000" + payload


def dri() -> list[Seed]:
    """Give records of every kind, class and wave."""
    monitor = VirtualDri(_patient(), sockets={"P1": "ART", "P2": "CVP", "P3": "PA", "P4": "FEM"}, started_s=0)
    said = b""
    for at, asked in enumerate(_ASKED):
        monitor.receive(dri_frame.frame(dri_record(record_of(asked))), at * 4.0)
        said += b"".join(monitor.due(at * 4.0 + second) for second in range(4))
    others = [Record(main, (SubRecord(1, bytes(60)),), 9, level=11) for main in (4, 5, 8)]
    real = _records(captured("ge_dri/pycollect_db02.raw")) + _records(captured("ge_dri/pycollect_db00.raw"))
    return sealed([*_records(said), *map(dri_record, others), *spread(real)], _with_sum)


def _records(stream: bytes) -> list[bytes]:
    return [each.payload for each in dri_frame.Deframer().feed(stream) if isinstance(each, dri_frame.Frame)]


_ASKED: Final = (
    PhysiologyRequest(DISPLAYED, 5, EXT1 | EXT2 | EXT3),
    PhysiologyRequest(TREND_10_S, 10, EXT1),
    PhysiologyRequest(TREND_60_S, 60),
    *(WaveRequest((kind,)) for kind in WAVES),
    WaveRequest((4, 5, 6, 8, 9, 15)),
)


def _with_sum(record: bytes) -> bytes:
    """Frame a record with a length that fits it, so that damage gets past both checks."""
    record = record[: dri_frame.MAX_RECORD]
    return dri_frame.frame(pack("<H", len(record)) + record[2:])


def _messages() -> list[bytes]:
    said = spoken("hl7", VirtualHl7(_patient()), SPOKEN_S)
    files = ("ge_vsp_pcd01_v26_art", "nihon_kohden_gateway_art_obx_rows", "philips_intellibridge_pcd01_v26")
    real = [captured(f"hl7/{name}.hl7") for name in files]
    return [part[1:] for part in said.split(b"\x1c\r")] + [_message(*each) for each in _HL7] + real


def hl7(seal: Callable[[bytes], bytes] = mllp.wrap) -> list[Seed]:
    """Give messages of every dialect, over MLLP unless told otherwise."""
    return sealed(_messages(), seal)


def _message(header: str, *rows: str) -> bytes:
    return "\r".join([rf"MSH|^~\&|{header}", *rows, ""]).encode()


_SAMPLES: Final = "^".join(str(1600 + at % 90) for at in range(125))
_FACETS: Final = (
    "OBX|2|NM|0^MDC_ATTR_SAMP_RATE^MDC|1.7.4.147626.1|125|264640^MDC_DIM_HZ^MDC|||||F",
    "OBX|3|NM|2327^MDC_ATTR_NU_MSMT_RES^MDC|1.7.4.147626.2|0.0625|266016^MDC_DIM_MMHG^MDC|||||F",
    "OBX|4|NM|262196^MDC_EVT_INOP^MDC|1.7.4.147626.3|32767||||||F",
    "OBX|5|NR|0^MDC_ATTR_DATA_RANGE^MDC|1.7.4.147626.4|-40^520||||||F",
)
_HL7: Final = (
    (  # waves as arrays, every facet
        "V^0^EUI-64|||||20260302073000.000+0100||ORU^R01^ORU_R01|41|P|2.6|||NE|AL||UNICODE UTF-8",
        "OBR|1|||CONTINUOUS WAVEFORM|||20260302072959.000+0100|20260302073000.000+0100",
        f"OBX|1|NA|150036^MDC_PRESS_BLD_ART_ABP^MDC|1.7.4.147626|{_SAMPLES}|266016^MDC_DIM_MMHG^MDC|||||F",
        *_FACETS,
    ),
    (
        "XH||||||ORU^W01^ORU_W01|42|P|2.4",
        f"OBX|1|NA|131330^MDC_ECG_II^MDC|1.7.6.131330|{_SAMPLES}|",
        _FACETS[0],
    ),
    (  # a gateway's alarm
        "V|||||20260302073000||ORU^R40^ORU_R40|43|P|2.6",
        "OBR|1|||196616^MDC_EVT_ALARM^MDC|||20260302073000",
        "OBX|1|CWE|196616^MDC_EVT_ALARM^MDC|1.0.0.0.1|196670^MDC_EVT_LO^MDC||60-90|L~PM~SP|||F",
        "OBX|2|ST|68481^MDC_ATTR_EVENT_PHASE^MDC|1.0.0.0.3|start||||||F",
    ),
    (  # bedside units with numbers for names and no units
        "Mindray|Gateway|||||ORU^R01|44|P|2.3.1",
        "PV1||I|^^OR&Bed1&3232241659&0&0",
        "OBR||||Monitor|||20260302073000",
        *(
            f"OBX||NM|{code}^x|2104|{value}||||||F"
            for code, value in ((101, 60), (500, 120), (501, 91), (502, 70))
        ),
    ),
    (  # vendor's own hexadecimal codes, a mode, an alert
        "||||||ORU^R01|45|P|2.2||||||8859/1",
        "OBR|||||||20260302073000",
        "OBX||NM|0002-4a17^ABPm^MDIL|0|91|0004-0f20^mmHg^MDIL|||||F",
        "OBX||NM|0002-4a17^ABPm^MDIL|0||0004-0f20^mmHg^MDIL|||||X",
        "OBX||TX|0002-d006^^MDIL-ALERT|2|** ABPm 58<70|||||||F",
        "OBX||ST|0002-d007^Mode^MDIL||DEMO|||||||F",
    ),
    (  # groups with times of their own; a thousands comma, a column without a code
        "||||20260302073000||ORU^R01|46|P|2.4",
        "OBR|1|||VitalSigns|||20260302072900",
        "OBX|1|NM|044002^ART-M||1,009|mmHg|-||||O|||20260302072901.5",
        "OBR|2|||NIBP|||20260302072000||||||APERIODIC",
        "OBX|1|NM|009002^NIBP-M||92|mmHg|-||||O||APERIODIC|20260302072000",
        "OBX|2|SN||1.2|>^100|kPa|||||R",
    ),
    ("|||||ACK|47|P|2.6", "MSA|AA|46"),
    ("|||||QRY^R02|48|P|2.3.1", "QRD|20260302073000|R|I|Q1|||||RES", "QRF|MON||||0&0^1^1^0^101&160&161&200"),
)
