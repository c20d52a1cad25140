"""The way out `mqtt`: the whole alarm state of a bed as a retained JSON object on an MQTT broker.

    [sinks.mqtt]        address = "tcp://broker:1883" | "tls://broker:8883", user, password (a file)
    [sinks.mqtt.tls]    certificate, key, ca, mutual: as [feed.tls], with tls:// only

    barocast/BED/alarm  runtime.encoders.alarm_json, on every change and every 5 s; QoS 1, retained

When this box goes, the broker puts `"state": "offline"` there in its stead (the last will): nobody who reads
that one topic can take an old state for that of now. In BED all but letters, digits, `_`, `.` and `-` become
`-`. Wants the extra `mqtt` (paho-mqtt).
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from barocast.plugin.sinks.calling import Calling
from barocast.plugin.sinks.posted import FAREWELL_S, PostedSink
from barocast.plugin.sinks.receiver import check_receiver
from barocast.plugin.sinks.way_out import Origin, WayOut
from barocast.plugin.transports.connection import CALL_S
from barocast.plugin.transports.credentials import Credentials, tls_context
from barocast.plugin.transports.transport import TransportLost
from barocast.runtime.encoders.alarm_json import offline, online
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from paho.mqtt.client import Client, MQTTMessageInfo

    from barocast.plugin.sinks.posted import Dated

NAME: Final = "mqtt"
ANSWER_S: Final = 3.0
"""Seconds in which the broker answers a call or a message."""
KEEPALIVE_S: Final = 10
"""MQTT's own; the broker gives us up, and speaks our will, after one and a half of it."""
LOOP_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class MqttSettings:
    """The table [sinks.mqtt]."""

    address: str
    """tcp:// or tls://."""
    user: str = ""
    """Empty: the broker asks for none."""
    password: str = ""
    """File that holds the user's password, and nothing else."""
    tls: Credentials = field(default_factory=Credentials)

    def __post_init__(self) -> None:
        check_receiver(NAME, self.address, self.tls)
        if self.tls.peer:
            raise SettingsError("tls peer: MQTT knows none; write the certificate's name in the address")
        if self.password and not self.user:
            raise SettingsError("password: has no user; name that too")
        self.secret()

    def secret(self) -> str | None:
        """Give the password as it is in the file now."""
        try:
            return Path(self.password).read_text("utf-8").strip() if self.password else None
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "is not UTF-8"
            raise SettingsError(f"password: {self.password}: {why}; name a file that holds it") from error


class Broker:
    """One connection to the broker, up to its answer. Raises TransportLost."""

    def __init__(self, settings: MqttSettings, topic: str, will: bytes) -> None:
        self._answers: list[str] = []
        self._client = _client(settings, self._answers)
        self._client.will_set(topic, will, qos=1, retain=True)
        self._topic = topic
        parts = urlsplit(settings.address)
        try:
            self._client.connect(str(parts.hostname), int(parts.port or 0), KEEPALIVE_S)
        except (OSError, ValueError) as error:  # ValueError: a name that no resolver takes
            raise TransportLost(str(error)) from error
        self._await(lambda: bool(self._answers), ANSWER_S)
        if self._answers[0]:
            raise TransportLost(f"the broker refuses us: {self._answers[0]}")

    def publish(self, state: bytes, seconds: float) -> None:
        """Put a state on the topic, and wait until the broker has it."""
        info: MQTTMessageInfo = self._client.publish(self._topic, state, qos=1, retain=True)
        self._await(info.is_published, seconds)

    def mind(self) -> None:
        """Keep the connection alive, and notice its end."""
        self._check(self._client.loop(0.0))

    def close(self) -> None:
        """Say farewell, which keeps the will unspoken, and hang up."""
        self._client.disconnect()
        self._client.loop(LOOP_S)

    def _await(self, done: Callable[[], bool], seconds: float) -> None:
        until_s = time.monotonic() + seconds
        while not done():
            code = self._client.loop(LOOP_S)
            if not done():
                self._check(code)
            if time.monotonic() > until_s:
                raise TransportLost(f"no answer from the broker within {seconds:g} s")

    def _check(self, code: int) -> None:
        from paho.mqtt.client import error_string  # noqa: PLC0415 - of an extra, there when we are
        from paho.mqtt.enums import MQTTErrorCode  # noqa: PLC0415 - likewise

        if code:
            raise TransportLost(error_string(MQTTErrorCode(code)).rstrip("."))


class MqttWork:
    """Keeps the broker's topic true. `open_broker` raises TransportLost."""

    every_change = False

    def __init__(
        self,
        bed: str,
        bundle: str,
        open_broker: Callable[[], Broker],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Call nobody yet."""
        self._bed, self._bundle = bed, bundle
        self._calling = Calling(open_broker, clock)
        self._newest: Dated | None = None
        self._said: Dated | None = None

    def turn(self, news: Sequence[Dated]) -> str:
        """Publish the newest state; a turn that has to call publishes nothing, as both wait for an answer."""
        if news:
            self._newest = news[-1]
        if self._calling.connected:
            self._speak()
        elif self._calling.port():
            self._said = None
        return self._calling.trouble

    def close(self) -> None:
        """Put `offline` in the state's place, where that is possible at once, and hang up."""
        broker = self._calling.port() if self._calling.connected else None
        try:
            if broker is not None:
                broker.publish(offline(self._bed), FAREWELL_S)
        except TransportLost as lost:
            self._calling.lose(str(lost))
        self._calling.close()

    def _speak(self) -> None:
        broker, newest = self._calling.port(), self._newest
        try:
            if broker is not None and newest is not None and newest is not self._said:
                broker.publish(online(newest.snapshot, self._bed, self._bundle, newest.wall_s), ANSWER_S)
                self._said = newest
                self._calling.works()
            elif broker is not None:
                broker.mind()
        except TransportLost as lost:
            self._calling.lose(str(lost))


def topic(bed: str) -> str:
    """Give a bed's topic: no sign of the name can make levels or wildcards of it."""
    level = "".join(sign if sign.isalnum() or sign in "_.-" else "-" for sign in bed)
    return f"barocast/{level or '-'}/alarm"


def _client(settings: MqttSettings, answers: list[str]) -> Client:
    """Make a client that notes the broker's answer: "" when we are taken, else why not."""
    from paho.mqtt.client import Client  # noqa: PLC0415 - of an extra, as above
    from paho.mqtt.enums import CallbackAPIVersion  # noqa: PLC0415 - likewise

    client = Client(CallbackAPIVersion.VERSION2)
    client.connect_timeout = CALL_S
    client.on_connect = lambda _client, _data, _flags, code, _properties: answers.append(
        str(code) if code.is_failure else ""
    )
    try:
        if settings.user:
            client.username_pw_set(settings.user, settings.secret())
        if settings.address.startswith("tls"):
            client.tls_set_context(tls_context(settings.tls, called=False))
    except SettingsError as error:
        raise TransportLost(str(error)) from error
    return client


def _has_paho() -> bool:
    try:
        return find_spec("paho.mqtt") is not None
    except (ImportError, ValueError):  # no `paho`, or one that somebody has taken out
        return False


def _open(settings: MqttSettings, origin: Origin) -> PostedSink:
    if not _has_paho():
        raise SettingsError(f"[sinks.{NAME}]: wants its extra: pip install 'barocast[mqtt]'")
    there, will = topic(origin.bed), offline(origin.bed)
    work = MqttWork(origin.bed, origin.bundle, lambda: Broker(settings, there, will))
    return PostedSink(NAME, settings.address, work)


MQTT: Final = WayOut(MqttSettings, _open)
