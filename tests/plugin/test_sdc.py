"""A provider of sdc11073's own, over real sockets, into transport, decoder and bed."""

from __future__ import annotations

import socket
import threading
import time
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("sdc11073", reason="needs the extra `sdc`: pip install 'barocast[sdc]'")

from certificates import Authority
from sdc11073.wsdiscovery import WSDiscovery
from sdc_device import PATIENT, TWO_BEDS, SdcDevice
from toy_bundle import toy_bundle

from barocast.plugin.bedside import Bedside
from barocast.plugin.serve import Line, serve
from barocast.plugin.transports import sdc, sdc_consumer
from barocast.plugin.transports.addresses import open_transport
from barocast.plugin.transports.sdc import Whereabouts
from barocast.plugin.transports.sdc_consumer import contexts
from barocast.plugin.transports.transport import TransportLost
from barocast.plugin.watch import Watch
from barocast.runtime.decoders.sdc import SdcDecoder
from barocast.runtime.domain import DeviceAlarm, Reason, Risk, Sample, WaveChunk
from barocast.runtime.engines import OrtEngine
from barocast.runtime.sessions.passive import PassiveSession

T_S = 1_790_000_000.0
PATIENCE_S = 20.0
MINUTES = 20


@pytest.fixture(scope="module")
def device():
    """One for all who leave it as it was."""
    device = SdcDevice()
    yield device
    device.stop()


@pytest.fixture
def own_device():
    device = SdcDevice()
    yield device
    device.stop()


class Listener:
    """Reads a transport into a decoder until something has been heard."""

    def __init__(self, address, *more):
        self.port = open_transport(address, *more)
        self.decoder = SdcDecoder()
        self.heard, self.bytes = [], b""

    def until(self, wanted):
        """Give the first event that `wanted` takes."""
        end_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < end_s:
            data = self.port.read(0.05)
            self.bytes += data
            self.heard += self.decoder.feed(data)
            for event in self.heard:
                if wanted(event):
                    return event
        raise AssertionError(f"not heard: {self.heard}")

    def described(self):
        """Wait for the states that come with the first description."""
        self.until(lambda event: isinstance(event, Sample))
        return self


def numeric(channel):
    return lambda event: isinstance(event, Sample) and event.channel == channel and event.t_s is not None


@pytest.fixture(scope="module")
def listener(device):
    """One for all who want no byte of before."""
    listener = Listener(f"sdc://{device.address}").described()
    yield listener
    listener.port.close()


def test_numerics_come_with_channel_unit_and_the_devices_own_time(device, listener):
    device.tell(T_S, map=71.5)

    assert listener.until(numeric("ABP_MEAN")) == Sample("ABP_MEAN", "150039", T_S, 71.5, "mmHg")


def test_a_wave_comes_whole(device, listener):
    drawn = [round(90 + 20 * np.sin(i / 5), 1) for i in range(32)]
    device.draw(T_S, drawn)
    chunk = listener.until(lambda event: isinstance(event, WaveChunk))

    assert (chunk.channel, chunk.t_s, chunk.rate_hz, chunk.unit) == ("ABP_WAVE", T_S, 125.0, "mmHg")
    assert chunk.values.tolist() == drawn


def test_an_alarm_of_the_device_comes_with_its_priority(device, listener):
    device.alarm(T_S, present=True)

    assert listener.until(lambda event: isinstance(event, DeviceAlarm)) == DeviceAlarm(
        "196670", "ABP low", T_S, "high", technical=False
    )


def test_a_demonstration_is_marked_and_its_end_too(device, listener):
    device.turn("Dmo")
    device.tell(T_S, sys=110.0)
    device.turn("Nml")
    device.tell(T_S, dia=50.0)

    assert listener.until(numeric("ABP_SYS")).reason is Reason.DEMO
    assert listener.until(numeric("ABP_DIA")).valid


def test_what_is_plugged_in_later_is_described_and_heard(own_device):
    listener = Listener(f"sdc://{own_device.address}").described()
    own_device.plug_in("cvp", "150087")
    listener.until(lambda _: b'"150087"' in listener.bytes)
    own_device.tell(T_S, cvp=8.0)
    told = listener.until(numeric("CVP_MEAN"))
    listener.port.close()

    assert told.value == 8.0


def test_what_was_measured_before_we_came_is_told_at_once(device):
    device.tell(T_S, map=66.0)
    device.turn("Dmo")
    listener = Listener(f"sdc://{device.address}")
    told = listener.until(numeric("ABP_MEAN"))
    listener.port.close()
    device.turn("Nml")

    assert (told.value, told.reason) == (66.0, Reason.DEMO)


@pytest.fixture(scope="module")
def two_beds():
    device = SdcDevice(mdib=TWO_BEDS)
    yield device
    device.stop()


def test_of_two_beds_behind_one_address_none_is_guessed(two_beds):
    with pytest.raises(TransportLost, match="MDS mds, other; name the patient's with mds="):
        open_transport(f"sdc://{two_beds.address}")


def test_of_two_beds_only_the_named_one_is_heard(two_beds):
    listener = Listener(f"sdc://{two_beds.address}?mds=mds").described()
    two_beds.tell(T_S, **{"other.map": 50.0, "map": 71.5})
    listener.until(numeric("ABP_MEAN"))
    listener.port.close()

    assert b"other" not in listener.bytes
    assert {event.value for event in listener.heard if numeric("ABP_MEAN")(event)} == {71.5}
    assert listener.decoder.counts.corrupt == 0


def test_a_reader_who_comes_in_late_is_told_all_he_needs(device, monkeypatch):
    monkeypatch.setattr(sdc_consumer, "DESCRIBE_S", 0.0)
    listener = Listener(f"sdc://{device.address}").described()
    device.turn("Dmo")
    listener.until(lambda _: listener.bytes.count(b'"mdib"') > 1)
    device.tell(T_S, map=71.5)
    listener.until(lambda event: numeric("ABP_MEAN")(event) and event.value == 71.5)
    listener.port.close()
    device.turn("Nml")
    late = SdcDecoder()
    heard = late.feed(listener.bytes[listener.bytes.rindex(b"\n", 0, listener.bytes.index(b'"Dmo"')) + 1 :])

    assert [event.reason for event in heard if numeric("ABP_MEAN")(event)][-1] is Reason.DEMO


def garbled(version):
    """A notification that the library took, and nobody can parse."""
    group = SimpleNamespace(mdib_version=version, sequence_id="")
    return SimpleNamespace(mdib_version_group=group, p_msg=SimpleNamespace(msg_node=None))


def waiting(*versions):
    """What a subscription that waits for its MDIB, of version 1, then hands on of garbled reports."""
    put = []
    subscription = sdc_consumer.Subscription(Whereabouts("10.0.0.7:6464"), None, put.append)
    for version in versions:
        subscription._on_report("EpisodicMetricReport", garbled(version))
    subscription._release(1)
    return [(fields["why"], fields["count"]) for fields in put]


def test_a_report_that_cannot_be_read_is_counted():
    assert waiting(2, 3) == [("unreadable", 1), ("unreadable", 1)]


def test_what_comes_while_the_description_is_read_waits_and_what_cannot_wait_is_counted(monkeypatch):
    monkeypatch.setattr(sdc_consumer, "MAX_HELD", 3)

    assert waiting(0, 1, 2, 3, 4) == [("unreadable", 1), ("overrun", 2)]


def test_what_was_heard_can_be_decoded_again_and_no_byte_names_the_patient(device, listener):
    device.draw(T_S, [80.0, 81.0])
    listener.until(lambda event: isinstance(event, WaveChunk))
    again = SdcDecoder().feed(listener.bytes)

    assert repr(again) == repr(listener.heard)
    assert {type(event) for event in again} >= {Sample, WaveChunk}
    assert listener.decoder.counts.corrupt == 0
    assert PATIENT not in listener.bytes.decode()


def test_a_device_that_goes_is_lost_and_leaves_no_thread_behind():
    before = set(threading.enumerate())
    device = SdcDevice()
    listener = Listener(f"sdc://{device.address}").described()
    device.stop()

    with pytest.raises(TransportLost, match="the subscription has ended"):
        listener.until(lambda _: False)
    listener.port.close()
    assert {thread.name for thread in set(threading.enumerate()) - before} == set()


def test_a_device_that_has_started_anew_is_lost(own_device):
    listener = Listener(f"sdc://{own_device.address}").described()
    own_device.restart_sequence()
    own_device.tell(T_S, map=71.5)

    with pytest.raises(TransportLost, match="started anew"):
        listener.until(lambda _: False)


def test_nobody_at_home_is_lost():
    with pytest.raises(TransportLost, match=r"127\.0\.0\.1:9/nobody: .*refused"):
        open_transport("sdc://127.0.0.1:9/nobody")


def test_a_device_that_never_answers_is_not_waited_for(monkeypatch):
    monkeypatch.setattr(sdc, "OPEN_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        address = f"127.0.0.1:{mute.getsockname()[1]}/mute"
        with pytest.raises(TransportLost, match=f"{address}: no answer within 0.1 s"):
            open_transport(f"sdc://{address}")


def test_both_ends_show_a_certificate(tmp_path):
    authority = Authority(tmp_path)
    device = SdcDevice(tls=contexts(authority.issue("device")))
    listener = Listener(f"sdcs://{device.address}", authority.issue("box")).described()
    device.tell(T_S, map=71.5)
    told = listener.until(numeric("ABP_MEAN"))
    listener.port.close()
    device.stop()

    assert told.value == 71.5


def test_a_device_that_another_authority_signed_is_refused(tmp_path):
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    device = SdcDevice(tls=contexts(theirs.issue("device", ca=ours)))

    with pytest.raises(TransportLost, match="CERTIFICATE_VERIFY_FAILED"):
        open_transport(f"sdcs://{device.address}", ours.issue("box"))
    device.stop()


def test_a_certificate_of_ours_that_has_gone_bad_is_trouble_of_the_line_and_not_its_end(device, tmp_path):
    expired = Authority(tmp_path).issue("box", days=(-3, -2))

    with pytest.raises(TransportLost, match=r"box\.pem: expired"):
        open_transport(f"sdcs://{device.address}", expired)


def test_tls_never_falls_back_to_plain_text(device, tmp_path):
    with pytest.raises(TransportLost, match=r"(?i)ssl"):
        open_transport(f"sdcs://{device.address}", Authority(tmp_path).issue("box"))


@pytest.fixture
def discovered():
    try:
        discovery = WSDiscovery("127.0.0.1")
        discovery.start()
    except OSError as error:
        pytest.skip(f"no multicast on the loopback here: {error}")
    device = SdcDevice(discovery)
    yield device
    device.stop()
    discovery.stop()


def stranger():
    """What is said of a device that is not there."""
    with pytest.raises(TransportLost) as lost:
        open_transport("sdc://?interface=127.0.0.1&epr=urn:uuid:stranger")
    return str(lost.value)


def test_a_device_is_found_by_its_reference_and_a_stranger_is_not(discovered, monkeypatch):
    listener = Listener(f"sdc://?interface=127.0.0.1&epr={discovered.epr}").described()
    listener.port.close()
    monkeypatch.setattr(sdc_consumer, "SEARCHES", 1)

    assert listener.decoder.counts.frames > 0
    # On a busy machine the device may answer too late for once.
    assert any(stranger().endswith("no answer; 1 other SDC devices were seen") for _ in range(3))


def test_a_bed_forecasts_and_is_back_after_the_device_was_switched_off(tmp_path):
    bundle = toy_bundle(tmp_path / "b").read()
    session = PassiveSession(SdcDecoder())
    bed = Bedside(
        name="OR 3", session=session, watch=Watch(bundle, OrtEngine(bundle)), sinks=[], stale_s=90.0
    )
    devices = [SdcDevice()]
    line = Line(lambda: open_transport(f"sdc://{devices[-1].address}"))
    risks, losses = [], []

    def case():
        for second in range(0, 60 * MINUTES + 1, 10):
            if second == 60 * MINUTES // 2:
                restart()
            mean = 85 - second / 120
            devices[-1].tell(T_S + second, sys=mean + 35, dia=mean - 18, map=mean)

    def restart():
        devices[-1].stop()
        wait(lambda: line.trouble)
        losses.append(line.trouble)
        frames = session.counts.frames
        devices.append(SdcDevice())
        wait(lambda: session.counts.frames > frames + 1)

    def wait(for_what):
        end_s = time.monotonic() + PATIENCE_S
        while not for_what() and time.monotonic() < end_s:
            time.sleep(0.01)

    def bedside():
        wait(lambda: session.counts.frames > 1)
        case()
        wait(lambda: isinstance(bed.decision, Risk))
        risks.append(bed.decision)

    monitor = threading.Thread(target=bedside)
    monitor.start()
    serve(bed, line, clock=time.monotonic, until=lambda: not monitor.is_alive(), sleep=time.sleep)
    devices[-1].stop()

    assert "the subscription has ended" in losses[0]
    assert isinstance(risks[0], Risk)
    assert risks[0].p[1] > 0.3
    assert session.counts.corrupt == 0
