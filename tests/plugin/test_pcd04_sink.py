"""The way out over real sockets: python-hl7's MLLP server takes our alarms, and receivers that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading

import hl7
import hl7.mllp
import hl7apy.parser
import pytest
from alarm_states import feed_lost, forecast, sink_faults, state
from eventually import eventually

from barocast.plugin.settings import parse_settings
from barocast.plugin.sinks import pcd04_session
from barocast.plugin.sinks.pcd04 import Pcd04Settings
from barocast.plugin.sinks.way_out import Origin, way_out
from barocast.plugin.transports.credentials import Credentials, tls_context
from barocast.runtime.alarm.rules import Priority
from barocast.runtime.errors import SettingsError

HOST = "127.0.0.1"
NO_TLS = Credentials()
DEADLINE_S = 20.0


class AlarmManager:
    """python-hl7's server in a thread; notes each message and acknowledges it."""

    def __init__(self, port=0, context=None):
        self.messages, self._writers = [], set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._server = self._run(
            hl7.mllp.start_hl7_server(self._serve, HOST, port, encoding="utf-8", ssl=context)
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader, writer):
        self._writers.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                message = await reader.readmessage()
                self.messages.append(message)
                writer.writemessage(message.create_ack())
                await writer.drain()
        writer.close()

    def _run(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(DEADLINE_S)

    async def _stop(self):
        self._server.close()
        for writer in self._writers:
            writer.close()
        await asyncio.sleep(0.05)

    def kill(self):
        if self._loop.is_running():
            self._run(self._stop())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(DEADLINE_S)
            self._loop.close()

    def told(self):
        """(phase, alarm) of each message so far."""
        return [
            (str(m.segments("OBX")[2][5]), str(m.segment("OBR")[29]).split("-")[1].split("&")[0])
            for m in self.messages
        ]


@pytest.fixture
def manager():
    started = AlarmManager()
    yield started
    started.kill()


@contextlib.contextmanager
def reporting(port, scheme="tcp", tls=NO_TLS):
    sink = way_out("pcd04").open(Pcd04Settings(f"{scheme}://{HOST}:{port}", tls=tls), Origin("OR 3", "map-1"))
    try:
        yield sink
    finally:
        sink.close()


@pytest.mark.req("ALM-12")
def test_a_third_partys_receiver_accepts_and_acknowledges_an_alarm_from_start_to_end(manager):
    with reporting(manager.port) as sink:
        assert sink.self_test().ok
        assert manager.messages == []
        for snapshot in (
            state(60.0, forecast(1)),
            state(65.0, forecast(1)),
            state(70.0, forecast(2, Priority.MEDIUM)),
            state(80.0),
        ):
            sink.apply(snapshot)
        eventually(lambda: len(manager.messages) == 3)
        assert eventually(lambda: sink.apply(state(80.0)).ok)

    assert manager.told() == [("start", "1"), ("escalate", "1"), ("end", "1")]
    for message in manager.messages:
        parsed = hl7apy.parser.parse_message(str(message), find_groups=False)
        assert parsed.msh.msh_9.value == "ORU^R40^ORU_R40"


@pytest.mark.req("ALM-10", "ALM-12")
def test_a_receiver_that_dies_raises_an_alarm_here_and_gets_the_active_set_when_it_is_back(manager):
    with reporting(manager.port) as sink:
        sink.apply(state(60.0, forecast(1), feed_lost(2)))
        eventually(lambda: len(manager.messages) == 2)

        manager.kill()
        [failed] = eventually(lambda: sink_faults(sink, state(61.0, forecast(1))), 5.0)
        assert failed.technical
        assert failed.text.startswith(f"sink fault: pcd04: pcd04 tcp://{HOST}:{manager.port}: ")

        again = AlarmManager(manager.port)
        try:
            eventually(lambda: len(again.messages) == 2)
            assert eventually(lambda: sink.apply(state(65.0, forecast(1))).ok)
            assert again.told() == [("end", "2"), ("continue", "1")]
        finally:
            again.kill()


def test_an_orderly_end_of_the_program_ends_its_alarms(manager):
    with reporting(manager.port) as sink:
        sink.apply(state(60.0, forecast(1)))
        eventually(lambda: manager.messages)

    assert manager.told() == [("start", "1"), ("end", "1")]


@pytest.mark.req("SEC-06")
def test_nothing_leaves_in_plain_text_over_tls(hospital, box, gateway):
    manager = AlarmManager(context=tls_context(gateway, called=True))
    try:
        with reporting(manager.port, "tls", box) as sink:
            sink.apply(state(60.0, forecast(1)))
            eventually(lambda: manager.messages)
        assert manager.told() == [("start", "1"), ("end", "1")]
    finally:
        manager.kill()


def test_a_certificate_that_nobody_signed_is_trouble_with_the_file_in_it(tmp_path, box, hospital):
    stranger = type(hospital)(tmp_path, "strangers-ca").issue("stranger")
    manager = AlarmManager(context=tls_context(stranger, called=True))
    try:
        with reporting(manager.port, "tls", box) as sink:
            test = sink.self_test()
        assert not test.ok
        assert "its certificate is signed by nobody in" in test.text
    finally:
        manager.kill()


@contextlib.contextmanager
def receiver(act):
    """A TCP server that does `act(connection)` with each caller, in a thread."""
    ends = threading.Event()

    def serve():
        while not ends.is_set():
            with contextlib.suppress(OSError):
                connection, _ = server.accept()
                connection.settimeout(0.2)
                with connection:
                    act(connection, ends)

    with socket.create_server((HOST, 0)) as server:
        server.settimeout(0.1)
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            ends.set()
            thread.join(DEADLINE_S)


def says(answer):
    """Answer whatever comes with these bytes."""

    def act(connection, ends):
        while not ends.is_set():
            with contextlib.suppress(TimeoutError):
                if not connection.recv(65536):
                    return
                connection.sendall(answer)

    return act


def reads_nothing(connection, ends):
    ends.wait(DEADLINE_S)


@pytest.mark.parametrize(
    "act",
    [reads_nothing, says(b"\xff garbage \x0b\x1c\r"), says(b"\x0bMSH|^~\\&|\rMSA|AA|another\r\x1c\r")],
    ids=["half open", "garbage", "another id"],
)
def test_a_receiver_that_never_acknowledges_is_trouble(act, monkeypatch):
    monkeypatch.setattr(pcd04_session, "ACK_S", 0.3)
    with receiver(act) as port, reporting(port) as sink:
        sink.apply(state(60.0, forecast(1)))
        receipt = eventually(lambda: not (r := sink.apply(state(61.0, forecast(1)))).ok and r, 8.0)
        assert "no acknowledgement within 10 s" in receipt.text


def test_a_refusal_is_trouble_with_its_words():
    refuses = says(b"\x0bMSH|^~\\&|\rMSA|AR||no such ward\r\x1c\r")
    with receiver(refuses) as port, reporting(port) as sink:
        sink.apply(state(60.0, forecast(1)))
        receipt = eventually(lambda: not (r := sink.apply(state(61.0, forecast(1)))).ok and r)
        assert receipt.text.endswith("refused with AR: no such ward")


def take(connection, ends):
    """Give the next message of a caller, None when it hangs up."""
    data = b""
    while not ends.is_set() and not data.endswith(b"\x1c\r"):
        with contextlib.suppress(TimeoutError):
            if not (more := connection.recv(65536)):
                return None
            data += more
    return hl7.parse(data.strip(b"\x0b\x1c\r").decode() + "\r") if data else None


def acknowledge(connection, message):
    connection.sendall(b"\x0b" + str(message.create_ack()).encode() + b"\x1c\r")


def test_a_receiver_that_closes_after_each_message_gets_them_all_and_is_no_trouble():
    heard, receipts = [], []

    def act(connection, ends):
        if (message := take(connection, ends)) is not None:
            heard.append(str(message.segments("OBX")[2][5]))
            acknowledge(connection, message)

    def told():
        receipts.append(sink.apply(state(62.0)))
        return heard == ["start", "end"]

    with receiver(act) as port, reporting(port) as sink:
        sink.apply(state(60.0, forecast(1)))
        eventually(told)

    assert all(receipt.ok for receipt in receipts)


def test_a_slow_receiver_gets_every_change_in_order_and_is_no_trouble():
    heard, receipts = [], []

    def act(connection, ends):
        while (message := take(connection, ends)) is not None:
            ends.wait(0.1)
            heard.append(str(message.segments("OBX")[2][5]))
            acknowledge(connection, message)

    def told():
        receipts.append(sink.apply(state(62.0)))
        return len(heard) == 7

    with receiver(act) as port, reporting(port) as sink:
        for words in "abcdef":
            sink.apply(state(60.0, forecast(1, text=words)))
        eventually(told)

    assert heard == ["start", *["update"] * 5, "end"]
    assert all(receipt.ok for receipt in receipts)


def test_a_burst_of_ten_thousand_changes_costs_the_bed_no_wait_and_no_memory(manager):
    with reporting(manager.port) as sink:
        for number in range(10_000):
            sink.apply(state(60.0 + number, *([forecast(number, since_s=float(number))] * (number % 2))))
        sink.apply(state(10_060.0, forecast(20_000, since_s=20_000.0)))

        eventually(lambda: ("start", "20000") in manager.told() or ("continue", "20000") in manager.told())
        assert eventually(lambda: sink.apply(state(10_061.0, forecast(20_000, since_s=20_000.0))).ok)

    told = manager.told()
    assert {alarm for phase, alarm in told if phase != "end"} == {
        alarm for phase, alarm in told if phase == "end"
    }


BED = '[feed]\nkind = "hl7"\naddress = "tcp://10.0.0.5:6661"\n[sinks.pcd04]\n'


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("", r"\[sinks.pcd04\] address: is needed"),
        ('address = "10.0.0.9:7000"', r"\[sinks.pcd04\].*write tcp://host:port or tls://host:port"),
        ('address = "udp://10.0.0.9:7000"', r"\[sinks.pcd04\].*write tcp://"),
        ('address = "tcp://10.0.0.9"', r"\[sinks.pcd04\].*address 'tcp://10.0.0.9'"),
        ('address = "tls://10.0.0.9:7000"', r"\[sinks.pcd04.tls\] certificate: is needed"),
        ('address = "tcp://10.0.0.9:7000"\nprocessing = "X"', r"processing: 'X' is not one of P, T, D"),
        ('address = "tcp://10.0.0.9:7000"\nadress = "b"', r"adress: unknown; the nearest is 'address'"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(table, said):
    with pytest.raises(SettingsError, match=said):
        parse_settings(BED + table, "or3.toml")


def test_a_table_of_its_own_configures_it():
    settings = parse_settings(f'{BED}address = "tcp://10.0.0.9:7000"\napplication = "AM"', "or3.toml")

    assert settings.ways_out == {"pcd04": Pcd04Settings("tcp://10.0.0.9:7000", application="AM")}
