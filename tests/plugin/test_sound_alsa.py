"""What the real `aplay` really writes: an ALSA device that is a file, measured like any other sound."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from alsa_bench import file_device

from barocast.plugin.sinks.burst import Sound
from barocast.plugin.sinks.sound import SoundSink
from barocast.plugin.sinks.sound_measure import measure
from barocast.plugin.sinks.sound_player import Aplay
from barocast.plugin.sinks.sound_ranges import faults
from barocast.plugin.sinks.sound_set import own_set
from barocast.plugin.sinks.sound_wav import read
from barocast.runtime.alarm.events import AlarmSnapshot, Condition
from barocast.runtime.alarm.rules import Priority

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(shutil.which("aplay") is None, reason="needs aplay (Debian: alsa-utils)")


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file behind the ALSA device `tofile`."""
    return file_device(tmp_path, monkeypatch)


@pytest.mark.req("ALM-02")
@pytest.mark.parametrize("sound", Sound)
def test_aplay_writes_a_burst_inside_the_table(written: Path, sound: Sound):
    player = Aplay("tofile", own_set())
    player.play(sound, 0.0)
    status = player._playing.wait(10)
    played = read(written)
    player.close()

    assert status == 0
    assert faults(measure(played.samples, played.rate_hz), sound) == []
    assert player.trouble() == ""


@pytest.mark.req("ALM-10", "P13")
def test_a_device_that_alsa_does_not_know_is_told_by_test_and_receipt(written: Path):
    sink = SoundSink("nowhere")
    tested = sink.self_test()
    snapshot = AlarmSnapshot(0.0, (Condition("c", Priority.LOW, technical=True, text=""),))
    sink.apply(snapshot)
    sink._player._playing.wait(10)
    receipt = sink.apply(snapshot)
    sink.close()

    assert "nowhere" in tested.text
    assert (tested.ok, receipt.text) == (False, "sound: aplay on nowhere exited with 1")
