"""Our alarms on SDC: what a consumer of the library's own, and ours, see of them."""

from __future__ import annotations

import threading
import time
import uuid

import pytest
from certificates import Authority

from barocast.plugin.sinks.sdc_alerts import SDC, SdcAlertSettings, SdcAlertSink, open_sdc
from barocast.plugin.sinks.way_out import Origin, way_out
from barocast.plugin.transports.addresses import open_transport
from barocast.runtime.alarm.events import AlarmSnapshot, Condition, Inactivation
from barocast.runtime.alarm.facts import FORECAST
from barocast.runtime.alarm.rules import Priority
from barocast.runtime.alarm.truth import FEED_LOST
from barocast.runtime.decoders.sdc import SdcDecoder
from barocast.runtime.domain import DeviceAlarm
from barocast.runtime.errors import SettingsError

PATIENCE_S = 10.0
ORIGIN = Origin("OR 3", "barocast-map-1")


def condition(name: str, priority: Priority, **more) -> Condition:
    return Condition(name, priority, text="", **{"technical": name != FORECAST, **more})


# --- the sink, with a device that only writes down what it is told --------------------------------


class Device:
    def __init__(self) -> None:
        self.told, self.closed, self.broken = [], False, ""
        self.address = "http://127.0.0.1:1/x"

    def tell(self, snapshot, wall_s, *, checked):
        if self.broken:
            raise OSError(self.broken)
        self.told.append((snapshot.now_s, checked))

    def close(self):
        self.closed = True


class Bench:
    def __init__(self) -> None:
        self.now_s, self.devices = 0.0, []
        self.sink = SdcAlertSink(self.open, lambda: self.now_s)
        self.sink._beat.wake = lambda: None

    def open(self) -> Device:
        self.devices.append(Device())
        return self.devices[-1]

    def run(self, seconds: float, *, tell: bool = True) -> None:
        end_s, due_s = self.now_s + seconds, self.now_s
        while self.now_s < end_s:
            if tell and self.now_s >= due_s:
                self.sink.apply(AlarmSnapshot(self.now_s))
                due_s += 5
            self.now_s += self.sink.turn(self.now_s)


def test_it_checks_itself_at_least_every_5_s_and_no_more_once_the_bed_is_quiet():
    bench = Bench()
    bench.run(60)
    checks_s = [now_s for now_s, checked in bench.devices[0].told if checked]
    count = len(bench.devices[0].told)
    bench.run(60, tell=False)

    assert len(checks_s) >= 60 / 5
    assert len(bench.devices[0].told) - count <= 2


@pytest.mark.req("P13")
def test_a_device_that_breaks_is_told_and_started_anew():
    bench = Bench()
    bench.run(1)
    bench.devices[0].broken = "no buffer space"
    bench.run(5)
    lost = bench.sink.apply(AlarmSnapshot(bench.now_s))
    bench.run(15)

    assert (lost.ok, lost.text) == (False, "sdc: no buffer space")
    assert bench.devices[0].closed
    assert bench.sink.apply(AlarmSnapshot(bench.now_s)).ok


# --- a real device --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def provider():
    """One for all: starting takes the library a second."""
    pytest.importorskip("sdc11073", reason="needs the extra `sdc`: pip install 'barocast[sdc]'")
    sink = open_sdc(SdcAlertSettings(discover=False, epr=str(uuid.UUID(int=7))), ORIGIN)
    assert sink.self_test().ok
    yield sink
    sink.close()


def settled(sink: SdcAlertSink, *conditions: Condition, **more) -> dict:
    """Apply, wait until the library's own MDIB has it; give its states by handle."""
    sink._provider.tell(AlarmSnapshot(0.0, conditions, **more), 1_790_000_000.0, checked=True)
    return {state.DescriptorHandle: state for state in sink._provider._mdib.states.objects}


def test_a_condition_is_present_with_its_priority_and_both_signals(provider: SdcAlertSink):
    states = settled(provider, condition(FORECAST, Priority.MEDIUM))

    assert (states["forecast"].Presence, states["forecast"].ActualPriority) == (True, "Me")
    assert (states["forecast.Aud"].Presence, states["forecast.Vis"].Presence) == ("On", "On")
    assert states["alerts"].PresentPhysiologicalAlarmConditions == ["forecast"]
    assert states["feed"].Presence is False


def test_its_end_is_told_too(provider: SdcAlertSink):
    settled(provider, condition(FORECAST, Priority.MEDIUM))
    states = settled(provider)

    assert states["forecast"].Presence is False
    assert states["forecast.Vis"].Presence == "Off"
    assert states["alerts"].PresentPhysiologicalAlarmConditions == []


@pytest.mark.parametrize(
    ("inactivation", "audible", "visible"),
    [
        (Inactivation.ENABLED, ("On", "On"), ("On", "On")),
        (Inactivation.ACKNOWLEDGED, ("Ack", "On"), ("Ack", "On")),
        (Inactivation.AUDIO_PAUSED, ("On", "Psd"), ("On", "On")),
        (Inactivation.AUDIO_OFF, ("On", "Off"), ("On", "On")),
        (Inactivation.ALARM_PAUSED, ("On", "Psd"), ("On", "Psd")),
    ],
)
def test_signals_say_how_they_are_inactivated(provider: SdcAlertSink, inactivation, audible, visible):
    states = settled(provider, condition(FEED_LOST, Priority.LOW, inactivation=inactivation))
    said = {
        how: (states[f"feed.{how}"].Presence, states[f"feed.{how}"].ActivationState) for how in ("Aud", "Vis")
    }

    assert said == {"Aud": audible, "Vis": visible}


def test_what_is_latched_and_what_nobody_described_are_told(provider: SdcAlertSink):
    states = settled(
        provider,
        condition(FEED_LOST, Priority.LOW, active=False, latching=True),
        condition("new", Priority.MEDIUM),
    )

    assert (states["feed"].Presence, states["feed.Vis"].Presence) == (False, "Latch")
    assert states["other"].Presence is True
    assert states["alerts"].PresentTechnicalAlarmConditions == ["other"]


def test_the_systems_own_audio_state_is_told(provider: SdcAlertSink):
    states = [
        settled(provider, **more)["alerts"]
        for more in ({"audio_off": True}, {"audio_pause_left_s": 60.0}, {})
    ]

    assert [state.SystemSignalActivation[0].State for state in states] == ["Off", "Psd", "On"]


def test_each_self_check_is_counted(provider: SdcAlertSink):
    counts = [settled(provider)["alerts"].SelfCheckCount for _ in range(3)]

    assert counts == [counts[0], counts[0] + 1, counts[0] + 2]


def listened(sink: SdcAlertSink, wanted: str, credentials=None) -> DeviceAlarm:
    """Subscribe as our own feed does, and wait for an alarm of that name."""
    where = sink._provider.address.split("://")[1]
    port = open_transport(*((f"sdcs://{where}", credentials) if credentials else (f"sdc://{where}",)))
    decoder, end_s = SdcDecoder(), time.monotonic() + PATIENCE_S
    try:
        while time.monotonic() < end_s:
            sink.apply(AlarmSnapshot(0.0, (condition(wanted, Priority.LOW),)))
            for event in decoder.feed(port.read(0.05)):
                if isinstance(event, DeviceAlarm) and event.text == wanted:
                    return event
            sink.apply(AlarmSnapshot(0.0))
        raise AssertionError(f"not heard: {wanted}")
    finally:
        port.close()


def test_a_consumer_on_the_network_hears_it_through_the_sinks_own_thread():
    pytest.importorskip("sdc11073", reason="needs the extra `sdc`: pip install 'barocast[sdc]'")
    before = set(threading.enumerate())
    sink = open_sdc(SdcAlertSettings(discover=False), ORIGIN)
    tested = sink.self_test()
    told = listened(sink, FEED_LOST)
    sink.close()

    assert tested.text.startswith("sdc: alerts at http://127.0.0.1:")
    assert (told.code, told.priority, told.technical) == ("urn:barocast:alarm-conditions feed", "low", True)
    assert {thread.name for thread in set(threading.enumerate()) - before} == set()


def test_with_certificates_both_ends_are_known(tmp_path):
    pytest.importorskip("sdc11073", reason="needs the extra `sdc`: pip install 'barocast[sdc]'")
    authority = Authority(tmp_path)
    ours = authority.issue("barocast")
    sink = open_sdc(
        SdcAlertSettings(certificate=ours.certificate, key=ours.key, ca=ours.ca, discover=False), ORIGIN
    )
    tested = sink.self_test()
    told = listened(sink, FORECAST, authority.issue("station"))
    sink.close()

    assert tested.text.startswith("sdc: alerts at https://127.0.0.1:")
    assert not told.technical


def test_it_is_found_by_its_lasting_reference():
    pytest.importorskip("sdc11073", reason="needs the extra `sdc`: pip install 'barocast[sdc]'")
    epr = uuid.UUID(int=8)
    sink = open_sdc(SdcAlertSettings(epr=str(epr)), ORIGIN)
    tested = sink.self_test()
    if not tested.ok:
        pytest.skip(f"no multicast on the loopback here: {tested.text}")
    port = open_transport(f"sdc://?interface=127.0.0.1&epr={epr.urn}")
    described = port.read(PATIENCE_S)
    port.close()
    sink.close()

    assert b"forecast hypotension" in described


# --- [sinks.sdc] ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"address": "or3.local"}, "is no IP address of this box"),
        ({"address": "192.0.2.7"}, "certificate: is needed on a network"),
        ({"certificate": "x.pem"}, "ca: is needed"),
        ({"epr": "bed 3"}, "is no UUID"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict, said: str):
    with pytest.raises(SettingsError, match=said):
        SdcAlertSettings(**wrong)


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    with pytest.raises(SettingsError, match=r"barocast\[sdc\]"):
        open_sdc(SdcAlertSettings(), ORIGIN)


def test_the_entry_point_is_there_and_claims_nothing():
    assert way_out("sdc") is SDC
    assert SdcAlertSink.guarantee == "best_effort"
