"""The way out `mqtt` at a real broker (Debian's mosquitto), heard by a real subscriber."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from alarm_states import forecast, sink_faults, state
from eventually import eventually

from barocast.plugin.settings import parse_settings
from barocast.plugin.sinks import mqtt
from barocast.plugin.sinks.mqtt import MqttSettings, topic
from barocast.plugin.sinks.way_out import Origin, way_out
from barocast.plugin.transports.credentials import Credentials
from barocast.runtime.errors import SettingsError

paho = pytest.importorskip("paho.mqtt.client", reason="the extra mqtt is not installed")
HOST = "127.0.0.1"
TOPIC = "barocast/OR-3/alarm"
MOSQUITTO = shutil.which("mosquitto") or next(
    (str(path) for path in [Path("/usr/sbin/mosquitto")] if path.exists()), None
)
DEADLINE_S = 20.0
NO_TLS = Credentials()


def free_port():
    with socket.create_server((HOST, 0)) as server:
        return server.getsockname()[1]


class Mosquitto:
    """A broker on a port of this machine that keeps nothing on disk."""

    def __init__(self, folder, *lines):
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        said = [
            f"listener {self.port} {HOST}",
            *(lines or ["allow_anonymous true"]),
            "persistence false",
            "user root",
        ]
        self._config.write_text("".join(f"{line}\n" for line in said))
        self.start()

    def start(self):
        self._process = subprocess.Popen(
            [MOSQUITTO, "-c", str(self._config)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        eventually(self._answers)

    def stop(self):
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self._process.send_signal(signal.SIGCONT)

    def kill(self):
        self._process.kill()
        self._process.wait(DEADLINE_S)

    def _answers(self):
        with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), timeout=1):
            return True
        return False


@pytest.fixture
def folder(tmp_path):
    if MOSQUITTO is None:
        pytest.skip("no mosquitto on this machine: apt-get install mosquitto")
    return tmp_path


@pytest.fixture
def broker(folder):
    started = Mosquitto(folder)
    yield started
    started.kill()


@contextlib.contextmanager
def subscriber(port):
    """A client of its own; gives the list of (retained, object) that it hears."""
    heard, subscribed = [], threading.Event()
    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.on_connect = lambda c, *_: c.subscribe("barocast/#", qos=1)
    client.on_subscribe = lambda *_: subscribed.set()
    client.on_message = lambda _c, _d, said: heard.append((said.retain, json.loads(said.payload), said.topic))
    client.connect(HOST, port)
    client.loop_start()
    try:
        assert subscribed.wait(DEADLINE_S)
        yield heard
    finally:
        client.disconnect()
        client.loop_stop()


@contextlib.contextmanager
def telling(port, scheme="tcp", **keys):
    host = keys.pop("host", HOST)
    sink = way_out("mqtt").open(MqttSettings(f"{scheme}://{host}:{port}", **keys), Origin("OR 3", "map-1"))
    try:
        yield sink
    finally:
        sink.close()


def names(heard):
    return [[c["name"] for c in said["conditions"]] for _, said, _ in heard if said["state"] == "online"]


def test_a_subscriber_hears_each_change_and_the_end(broker):
    with subscriber(broker.port) as heard:
        with telling(broker.port) as sink:
            test = sink.self_test()
            assert test.ok, test.text
            assert sink.apply(state(60.0, forecast())).ok
            eventually(lambda: names(heard) == [["forecast hypotension"]])
            sink.apply(state(70.0))
            eventually(lambda: names(heard)[1:] == [[]])
        eventually(lambda: heard[-1][1]["state"] == "offline")

    assert {there for _, _, there in heard} == {TOPIC}


def test_who_subscribes_later_gets_the_state_that_stands(broker):
    with telling(broker.port) as sink:
        sink.apply(state(60.0, forecast()))
        with subscriber(broker.port) as early:
            eventually(lambda: early)
        with subscriber(broker.port) as late:
            eventually(lambda: late)

    assert (late[0][0], names(late)) == (True, [["forecast hypotension"]])


@pytest.mark.req("ALM-10")
def test_a_broker_that_dies_raises_an_alarm_here_and_holds_the_state_again_when_it_is_back(broker):
    shown = state(60.0, forecast())
    with telling(broker.port) as sink:
        sink.apply(shown)
        with subscriber(broker.port) as heard:
            eventually(lambda: heard)

        broker.kill()
        [failed] = eventually(lambda: sink_faults(sink, shown), 5.0)
        assert failed.technical
        assert failed.text.startswith(f"sink fault: mqtt: mqtt tcp://{HOST}:{broker.port}: ")

        broker.start()
        assert eventually(lambda: sink.apply(shown).ok)
        with subscriber(broker.port) as again:
            eventually(lambda: again)

    assert (again[0][0], names(again)[:1]) == (True, [["forecast hypotension"]])


def test_a_box_that_dies_leaves_the_will(broker):
    with telling(broker.port) as sink, subscriber(broker.port) as heard:
        sink.apply(state(60.0, forecast()))
        eventually(lambda: heard)
        sink._work._calling.port()._client._sock.shutdown(socket.SHUT_RDWR)

        assert eventually(lambda: any(said["state"] == "offline" for _, said, _ in heard))
        assert eventually(lambda: heard[-1][1]["state"] == "online")


@pytest.mark.parametrize(("secret", "right"), [("correct", True), ("wrong", False)])
def test_a_user_needs_the_right_password(folder, secret, right):
    users, password = folder / "users", folder / "password"
    subprocess.run(
        ["mosquitto_passwd", "-b", "-c", str(users), "or3", "correct"], check=True, capture_output=True
    )
    password.write_text(f"{secret}\n")
    broker = Mosquitto(folder, "allow_anonymous false", f"password_file {users}")
    try:
        with telling(broker.port, user="or3", password=str(password)) as sink:
            test = sink.self_test()
        assert test.ok is right, test.text
        assert test.ok or "the broker refuses us: Not authorized" in test.text
    finally:
        broker.kill()


def test_tls_shows_our_certificate_and_wants_theirs(folder, box, gateway):
    broker = Mosquitto(
        folder,
        "allow_anonymous true",
        f"cafile {gateway.ca}",
        f"certfile {gateway.certificate}",
        f"keyfile {gateway.key}",
        "require_certificate true",
    )
    try:
        with telling(broker.port, "tls", tls=box) as sink:
            test = sink.self_test()
            assert test.ok, test.text
            sink.apply(state(60.0, forecast()))
            assert eventually(lambda: sink._work._said is not None)
    finally:
        broker.kill()


def test_a_host_that_accepts_and_says_nothing_is_trouble(folder, monkeypatch):
    monkeypatch.setattr(mqtt, "ANSWER_S", 0.2)
    with socket.create_server((HOST, 0)) as mute, telling(mute.getsockname()[1]) as sink:
        test = sink.self_test()

    assert (test.ok, test.text.partition(": ")[2]) == (False, "no answer from the broker within 0.2 s")


def test_a_broker_that_stands_still_is_trouble(broker, monkeypatch):
    monkeypatch.setattr(mqtt, "ANSWER_S", 0.2)
    with telling(broker.port) as sink:
        assert sink.self_test().ok
        broker.stop()
        receipt = eventually(lambda: not (r := sink.apply(state(60.0, forecast()))).ok and r)
        broker.go_on()

    assert "no answer from the broker within 0.2 s" in receipt.text


@pytest.mark.parametrize(
    ("bed", "there"),
    [
        ("OR 3", TOPIC),
        ("a/b+c#d\0e", "barocast/a-b-c-d-e/alarm"),
        ("$SYS", "barocast/-SYS/alarm"),
        ("Säal_2.1", "barocast/Säal_2.1/alarm"),
        ("", "barocast/-/alarm"),
    ],
)
def test_no_name_of_a_bed_makes_levels_or_wildcards(bed, there):
    assert topic(bed) == there


def test_without_paho_the_mend_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "paho", None)
    monkeypatch.setitem(sys.modules, "paho.mqtt", None)

    with pytest.raises(SettingsError, match=r"pip install 'barocast\[mqtt\]'"):
        way_out("mqtt").open(MqttSettings("tcp://10.0.0.9:1883"), Origin("OR 3", "map-1"))


BED = '[feed]\nkind = "hl7"\naddress = "tcp://10.0.0.5:6661"\n[sinks.mqtt]\naddress = "tcp://10.0.0.9:1883"\n'


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('password = "x"', "password: has no user"),
        ('user = "or3"\npassword = "/nowhere/password"', "/nowhere/password: No such file or directory"),
        ('topic = "x"', "topic: unknown"),
        ('[sinks.mqtt.tls]\nca = "x"', r"\[sinks.mqtt.tls\]: tcp:// is not encrypted"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(table, said):
    with pytest.raises(SettingsError, match=said):
        parse_settings(BED + table, "or3.toml")
