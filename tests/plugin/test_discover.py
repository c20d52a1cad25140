"""`barocast discover`: monitors that call, over real UDP; serial ports; what a call says of its monitor."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_data import captures

from barocast.plugin import discover
from barocast.plugin.cli import main
from barocast.plugin.clock import PlayClock
from barocast.plugin.feeds import find_feed
from barocast.plugin.transports import broadcasts
from barocast.plugin.transports.addresses import check_address, open_transport
from barocast.plugin.virtual.datagram_line import over_udp
from barocast.plugin.virtual.intellivue import VirtualIntelliVue
from barocast.plugin.virtual.intellivue_lan import VirtualIntelliVueLan
from barocast.runtime.decoders import intellivue_codes as codes
from barocast.runtime.decoders.intellivue_builder import build
from barocast.runtime.decoders.intellivue_calls import CALL_GROUP, EXPORT_PORT, MonitorCall, read_call
from barocast.runtime.decoders.intellivue_layout import HEADS
from barocast.runtime.decoders.intellivue_pdu import EventReport

LOOPBACK = "127.0.0.1"
SYSTEM_ID = bytes.fromhex("0009fbffff88c1bd")


def counted(data):
    return len(data).to_bytes(2, "big") + data


def call(attributes, event=codes.CONNECT_INDICATION):
    """A connect indication as a monitor sends it."""
    made = build(EventReport(0, confirmed=False, time_ticks=0, event=event, attributes=attributes))
    return HEADS[1] + made[len(HEADS[1]) :]


TOLD = {
    0x0984: counted(SYSTEM_ID),
    0x0928: counted(b"Philips\0") + counted(b"866062\0\0"),
    0xF135: counted("OR 3".encode("utf-16-be") + bytes(24)),
    0xF101: bytes.fromhex("0002 0010  0001 0003 5dc0 4000  0005 0001 5e2a 0000"),
}


def test_a_call_tells_who_the_monitor_is_and_where_to_ask():
    assert read_call(call(TOLD), "10.0.0.7") == MonitorCall(
        "10.0.0.7", 24106, "0009fbffff88c1bd", "Philips 866062", "OR 3"
    )


def test_what_a_call_does_not_tell_stays_empty():
    assert read_call(call({}), "10.0.0.7") == MonitorCall("10.0.0.7", EXPORT_PORT, "", "", "")


def test_the_older_label_serves_where_the_newer_one_is_empty():
    labels = {0xF135: counted(b"") + bytes(32), 0x091E: counted("ICU 9".encode("utf-16-be"))}

    assert read_call(call(labels), "10.0.0.7").bed == "ICU 9"


def test_a_label_cannot_command_the_terminal_nor_fill_the_screen():
    label = "\x1b[2J" + "Å" * 1000
    heard = read_call(call({0xF135: counted(label.encode("utf-16-be"))}), "10.0.0.7")

    assert heard.bed == "[2J" + "Å" * 61


def test_a_recorded_call_is_read():
    """42 bytes of Ethernet, IP and UDP headers come first."""
    text = captures("intellivue/koshsky_connect_indication_mcast.hexdump.txt").read_text()
    octets = bytes.fromhex("".join(re.findall(r"(?<![\w:])[0-9a-f]{2}(?![\w:])", text)))

    assert read_call(octets[42:], "192.168.247.101") == MonitorCall(
        "192.168.247.101", 24105, "0009fbffff88c1bd", "Philips 866062", ""
    )


def test_other_messages_are_no_calls():
    assert read_call(call(TOLD, codes.MDS_CREATE), "10.0.0.7") is None
    assert read_call(b"\x0dassociation request", "10.0.0.7") is None


@given(st.dictionaries(st.sampled_from(sorted(TOLD)), st.binary(max_size=40)))
@settings(max_examples=200, deadline=None)
def test_any_attributes_give_a_call(attributes):
    heard = read_call(call(attributes), "10.0.0.7")

    assert heard is not None
    assert 0 < heard.port < 65536


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_datagram_gives_a_call_or_none(datagram):
    heard = read_call(call(TOLD)[:16] + datagram, "10.0.0.7")

    assert heard is None or heard.host == "10.0.0.7"


def free_port():
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        probe.bind((LOOPBACK, 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def sending(datagram, port, host=LOOPBACK):
    """A host that repeats a datagram until the block ends."""
    over = threading.Event()

    def send():
        with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as line:
            line.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(LOOPBACK))
            while not over.wait(0.02):
                line.sendto(datagram, (host, port))

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def discovered(capsys, hear, seconds=0.3):
    assert main(["discover", "--json", "--seconds", str(seconds), "--hear", str(hear)]) == 0
    return [line for line in lines(capsys) if line["kind"] == "intellivue-udp"]


@pytest.mark.parametrize("host", [LOOPBACK, CALL_GROUP])
def test_a_monitor_that_calls_again_and_again_is_listed_once(capsys, host):
    hear = free_port()
    with sending(call(TOLD), hear, host):
        (found,) = discovered(capsys, hear)

    assert found["address"].endswith(f":24106?hear={hear}&group=224.0.23.63")
    assert (found["bed"], found["system_id"]) == ("OR 3", "0009fbffff88c1bd")
    assert found["about"] == "Philips 866062, bed OR 3, id 0009fbffff88c1bd"
    assert check_address(found["address"]) is None


class Patient:
    def numerics(self, t_s):
        return {"HR": 60.0}

    def wave(self, channel, t_s, n, rate_hz):
        return np.full(n, 90.0)


def test_the_address_that_is_found_leads_to_the_monitor(capsys):
    """Over real UDP: it calls, is listed, and takes a client who asks at the address of its call."""
    monitor, session = VirtualIntelliVue(Patient()), find_feed("intellivue-udp").session()
    clock = PlayClock(20.0)
    with over_udp(VirtualIntelliVueLan(monitor), clock) as address:
        (found,) = discovered(capsys, int(address.rpartition("hear=")[2]), seconds=1.0)
        with contextlib.closing(open_transport(found["address"])) as port:
            until_s = clock() + 60.0
            while session.status != "associated" and clock() < until_s:
                _, reply = session.receive(port.read(0.01), clock())
                for datagram in filter(None, (reply, session.due(clock()))):
                    port.write(datagram)
        associated = monitor.associated

    assert found["address"] == f"{address}&group={CALL_GROUP}"
    assert found["about"] == "Virtual IntelliVue, bed Bed 1, id 020000fffe000001"
    assert (associated, session.status) == (True, "associated")


def test_what_is_no_call_is_not_listed(capsys):
    hear = free_port()
    with sending(b"\xff" * 40, hear):
        assert discovered(capsys, hear) == []


def test_the_listing_for_a_person_has_the_address_to_copy(capsys):
    hear = free_port()
    with sending(call(TOLD), hear):
        assert main(["discover", "--seconds", "0.3", "--hear", str(hear)]) == 0
    said = capsys.readouterr()

    assert f"udp://{LOOPBACK}:24106?hear={hear}&group=224.0.23.63   Philips 866062, bed OR 3" in said.out
    assert f"listening for monitors on UDP port {hear} for 0.3 s" in said.err
    assert "1 monitor called" in said.err


def test_a_flood_of_invented_monitors_is_bounded(monkeypatch):
    calls = [(call({0x0984: counted(n.to_bytes(8, "big"))}), "10.0.0.7") for n in range(1000)]
    monkeypatch.setattr(discover, "datagrams", lambda *_: iter(calls))

    assert len(list(discover.monitors(24005, 1.0))) == discover.MAX_MONITORS


@pytest.mark.parametrize("hear", ["70000", "0x"])
def test_a_port_that_cannot_be_is_one_clear_line(capsys, hear):
    assert main(["discover", "--seconds", "0", "--hear", hear]) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("barocast: ")


def test_a_port_that_another_program_holds_is_one_clear_line(capsys):
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as other:
        other.bind(("", 0))
        port = other.getsockname()[1]
        assert main(["discover", "--seconds", "0.1", "--hear", str(port)]) == 2
    last = capsys.readouterr().err.splitlines()[-1]

    assert re.fullmatch(
        rf"barocast: UDP port {port}: .*Address already in use; name another port with --hear, .*", last
    )


@pytest.mark.req("ACQ-07")
def test_serial_ports_go_by_the_name_that_lasts(tmp_path, monkeypatch):
    (tmp_path / "ttyUSB1").touch()
    (tmp_path / "usb-FTDI_FT232R-if00-port0").symlink_to(tmp_path / "ttyUSB1")
    ports = [
        SimpleNamespace(device=str(tmp_path / "ttyUSB1"), description="FT232R USB UART"),
        SimpleNamespace(device="/dev/ttyS0", description="n/a"),
    ]
    monkeypatch.setattr(discover.list_ports, "comports", lambda: ports)
    found = discover.serial_ports(tmp_path)

    assert [(port.address, port.about) for port in found] == [
        ("serial:///dev/ttyS0?baud=115200", "/dev/ttyS0"),
        (
            f"serial://{tmp_path}/usb-FTDI_FT232R-if00-port0?baud=115200",
            f"{tmp_path}/ttyUSB1, FT232R USB UART",
        ),
    ]


def test_a_gateway_is_given_an_address_of_this_box(monkeypatch):
    monkeypatch.setattr(discover, "own_addresses", lambda: {"lo": "127.0.0.1", "eth0": "10.0.0.3"})

    assert [found.address for found in discover.ways_in()] == ["tcp-listen://10.0.0.3:6661"]


def test_the_box_knows_its_own_addresses():
    assert broadcasts.own_addresses().get("lo") == LOOPBACK


def test_a_configured_monitor_is_heard_in_its_multicast_group():
    hear = free_port()
    port = open_transport(f"udp://{LOOPBACK}:{free_port()}?hear={hear}&group={CALL_GROUP}")
    with sending(call(TOLD), hear, CALL_GROUP):
        heard = port.read(5.0)
    port.close()

    assert heard == call(TOLD)
