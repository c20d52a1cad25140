"""A gateway gets the acknowledgement that it asked for, with the bytes that complete its message."""

from __future__ import annotations

import hl7 as hl7_package
import pytest
from shared_data import captures

from barocast.runtime.decoders.mllp import MAX_MESSAGE, Block, MllpDeframer, wrap
from barocast.runtime.domain import Corrupt
from barocast.runtime.sessions.hl7 import SILENT_AFTER_S, Hl7Session

OBX = "OBX||NM|150039^^MDC||71|mmHg|||||F"


def message(accept: str = "", application: str = "", kind: str = "ORU^R01", control: str = "A7") -> bytes:
    """A message of one MAP with this header."""
    fields = [
        "MSH",
        "^~\\&",
        "APP",
        "FAC",
        "BOX",
        "OR",
        "20240102030405",
        "",
        kind,
        control,
        "P",
        "2.6",
        "",
        "",
    ]
    return ("|".join([*fields, accept, application]) + "\r" + OBX + "\r").encode()


def answered(sent: bytes) -> list[list[str]]:
    """The MSA fields of the answers to one message."""
    _, out = Hl7Session().receive(wrap(sent), 0.0)
    return [msa(found.payload) for found in MllpDeframer().feed(out) if isinstance(found, Block)]


def msa(payload: bytes) -> list[str]:
    (line,) = [line for line in payload.decode().split("\r") if line.startswith("MSA")]
    return line.split("|")


@pytest.mark.parametrize(
    ("accept", "application", "codes"),
    [
        ("", "", ["AA"]),
        ("NE", "AL", ["AA"]),
        ("AL", "NE", ["CA"]),
        ("AL", "AL", ["CA", "AA"]),
        ("NE", "NE", []),
        ("ER", "SU", ["AA"]),
        ("ER", "ER", []),
        ("al", "", ["CA"]),
        ("XX", "", ["AA"]),
        ("??", "NE", []),
    ],
)
def test_the_answer_is_what_msh_15_and_16_ask_for(accept: str, application: str, codes: list[str]):
    assert answered(message(accept, application)) == [["MSA", code, "A7"] for code in codes]


@pytest.mark.parametrize(
    ("accept", "application", "code"), [("", "", "AE"), ("ER", "NE", "CE"), ("AL", "NE", "CE")]
)
def test_a_message_without_a_type_is_an_error(accept: str, application: str, code: str):
    assert answered(message(accept, application, kind="")) == [["MSA", code, "A7"]]


@pytest.mark.req("ACQ-06")
def test_a_message_without_a_header_is_rejected():
    assert answered(b"PID|1\r") == [["MSA", "AR", ""]]


@pytest.mark.req("ACQ-06")
def test_a_message_that_is_too_long_is_rejected_and_the_next_one_is_read():
    events, out = Hl7Session().receive(b"\x0bMSH|" + b"x" * MAX_MESSAGE + wrap(b"") + wrap(message()), 0.0)

    answers = [msa(found.payload) for found in MllpDeframer().feed(out)]
    assert answers == [["MSA", "AR", ""], ["MSA", "AA", "A7"]]
    assert events[-1].value == 71.0


def test_an_empty_control_id_is_answered_empty():
    assert answered(message(control="")) == [["MSA", "AA", ""]]


def test_a_type_without_measurements_is_accepted_so_that_the_gateway_goes_on():
    assert answered(message(kind="ADT^A01")) == [["MSA", "AA", "A7"]]


def test_the_answer_comes_with_the_last_byte_and_the_events_with_it():
    session = Hl7Session()
    stream = wrap(message())
    for at in range(len(stream) - 2):  # the last byte is the CR that may be missing
        assert session.receive(stream[at : at + 1], 0.0) == ([], b"")
    events, out = session.receive(stream[-2:-1], 0.0)

    assert ([event.value for event in events], msa(out)) == ([71.0], ["MSA", "AA", "A7"])


@pytest.mark.parametrize(("accept", "kinds"), [("", ["ORA^R41^ORA_R41"]), ("AL", ["ACK^R40^ACK"])])
def test_a_reported_alarm_is_answered_in_its_own_kind_once_it_was_read(accept: str, kinds: list[str]):
    _, out = Hl7Session().receive(wrap(message(accept, kind="ORU^R40^ORU_R40")), 0.0)

    assert [found.payload.decode().split("|")[8] for found in MllpDeframer().feed(out)] == kinds


def test_two_messages_in_one_segment_get_two_answers_in_order():
    _, out = Hl7Session().receive(wrap(message(control="1")) + wrap(message(control="2")), 0.0)

    assert [msa(found.payload)[2] for found in MllpDeframer().feed(out)] == ["1", "2"]


def test_sender_and_receiver_change_places_and_the_separators_stay():
    sent = message().replace(b"^~\\&", b"$~\\&").replace(b"^", b"$")
    _, out = Hl7Session().receive(wrap(sent), 0.0)

    assert out.startswith(b"\x0bMSH|$~\\&|BOX|OR|APP|FAC|20240102030405||ACK$R01$ACK|BAROCAST-A7|P|2.6\r")


def test_a_control_id_in_latin_1_comes_back_byte_for_byte():
    _, out = Hl7Session().receive(wrap(message(control="@").replace(b"@", b"\xb5\xe9")), 0.0)

    assert b"MSA|AA|\xb5\xe9\r" in out


def test_the_hl7_package_reads_the_answer_to_a_real_message():
    sent = captures("hl7/nihon_kohden_bsm_v24_vital_nibp.hl7").read_bytes()
    _, out = Hl7Session().receive(wrap(sent), 0.0)
    reply = hl7_package.parse(out.strip(b"\x0b\x1c\r") + b"\r", encoding="ascii")

    assert (str(reply.segment("MSH")[9]), str(reply["MSA.F1"]), str(reply["MSA.F2"])) == (
        "ACK^R01^ACK",
        "AA",
        "20260422000007",
    )


def test_noise_is_counted_and_not_answered():
    events, out = Hl7Session().receive(b"noise" + wrap(b""), 0.0)

    assert (events, out) == ([Corrupt(0, 5, "outside a block")], b"")


def test_status_tells_listening_receiving_and_silent():
    session = Hl7Session()
    seen = [session.status]
    session.receive(wrap(message()), 10.0)
    seen.append(session.status)
    session.due(10.0 + SILENT_AFTER_S + 1)
    seen.append(session.status)
    session.receive(wrap(message()), 400.0)

    assert [*seen, session.status] == ["listening", "receiving", "silent", "receiving"]


@pytest.mark.parametrize("kind", ["ACK^R01^ACK", "MCF", "ORA^R41", "RSP^K11"])
def test_an_answer_is_not_answered(kind: str):
    assert answered(message("AL", "AL", kind=kind) + b"MSA|AA|7\r") == []
    assert answered(message(kind=kind)) == ([["MSA", "AA", "A7"]] if kind == "RSP^K11" else [])


def test_a_peer_that_echoes_ends_the_talk():
    session = Hl7Session()
    _, out = session.receive(wrap(message()), 0.0)

    assert session.receive(out, 0.0) == ([], b"")


def test_another_bed_is_answered_and_the_status_says_so_until_it_stays_away():
    session = Hl7Session()
    session.receive(wrap(message() + b"PV1||I|OR^^1\r"), 0.0)
    events, out = session.receive(wrap(message() + b"PV1||I|OR^^2\r"), 1.0)
    session.receive(wrap(message() + b"PV1||I|OR^^1\r"), 2.0)
    seen = [session.status]
    session.receive(wrap(message()), SILENT_AFTER_S + 2.0)

    assert ([event.reason for event in events], b"MSA|AA" in out) == (["another bed"], True)
    assert (session.counts.corrupt_by_reason, [*seen, session.status]) == (
        {"another bed": 1},
        ["another bed", "receiving"],
    )


def test_a_server_sends_nothing_on_its_own():
    session = Hl7Session()

    assert (session.due(99.0), session.release(), session.counts.frames) == (b"", b"", 0)
