"""The sound sink: when a burst starts, when it stops, and what a missing or failing player gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from barocast.plugin.sinks.sound import Aplay, SoundSink
from barocast.runtime.alarm.events import AlarmSnapshot, Condition, Inactivation
from barocast.runtime.alarm.rules import Priority
from barocast.runtime.errors import SettingsError


def told(
    now_s: float,
    *priorities: Priority,
    inactivation: Inactivation = Inactivation.ENABLED,
    first: int = 1,
) -> AlarmSnapshot:
    """Give a snapshot with one condition of each priority, numbered from `first`."""
    conditions = tuple(
        Condition("c", p, technical=True, text="", source=str(i), occurrence=i, inactivation=inactivation)
        for i, p in enumerate(priorities, first)
    )
    return AlarmSnapshot(now_s, conditions)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "bursts"


def heard(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.wav"))


def test_a_standing_condition_sounds_again_after_its_interval(folder: Path):
    sink = SoundSink(f"wav:{folder}")
    for now_s in range(0, 41, 5):
        sink.apply(told(now_s, Priority.MEDIUM))

    assert heard(folder) == [
        "0001-medium-0.0s.wav",
        "0002-medium-15.0s.wav",
        "0003-medium-30.0s.wav",
    ]


def test_a_low_condition_rests_longer(folder: Path):
    sink = SoundSink(f"wav:{folder}")
    for now_s in range(0, 41, 5):
        sink.apply(told(now_s, Priority.LOW))

    assert heard(folder) == ["0001-low-0.0s.wav", "0002-low-25.0s.wav"]


def test_a_higher_priority_does_not_wait(folder: Path):
    sink = SoundSink(f"wav:{folder}")
    sink.apply(told(0.0, Priority.LOW))
    sink.apply(told(0.1, Priority.LOW, Priority.MEDIUM))

    assert heard(folder)[-1] == "0002-medium-0.1s.wav"


def test_a_new_occurrence_waits_only_the_least_rest(folder: Path):
    sink = SoundSink(f"wav:{folder}")
    for now_s, first in ((0.0, 1), (1.0, 2), (4.0, 2)):
        sink.apply(told(now_s, Priority.MEDIUM, first=first))

    assert heard(folder) == ["0001-medium-0.0s.wav", "0002-medium-4.0s.wav"]


@pytest.mark.parametrize("inactivation", [Inactivation.ACKNOWLEDGED, Inactivation.AUDIO_PAUSED])
def test_what_is_acknowledged_or_paused_makes_no_sound(folder: Path, inactivation: Inactivation):
    receipt = SoundSink(f"wav:{folder}").apply(told(0.0, Priority.MEDIUM, inactivation=inactivation))

    assert (receipt.ok, heard(folder)) == (True, [])


def test_after_a_pause_it_sounds_at_once(folder: Path):
    sink = SoundSink(f"wav:{folder}")
    sink.apply(told(0.0, Priority.MEDIUM))
    sink.apply(told(3.0, Priority.MEDIUM, inactivation=Inactivation.AUDIO_PAUSED))
    sink.apply(told(6.0, Priority.MEDIUM))

    assert len(heard(folder)) == 2


def test_a_folder_that_cannot_be_written_is_a_receipt_and_not_an_exception(tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    sink = SoundSink(f"wav:{tmp_path / 'file'}")

    assert not sink.self_test().ok
    assert "file" in sink.apply(told(0.0, Priority.MEDIUM)).text


@pytest.mark.parametrize("device", ["", "wav:"])
def test_a_device_must_be_named(device: str):
    with pytest.raises(SettingsError, match="name the device"):
        SoundSink(device)


# --- aplay, as a small script on PATH that writes down how it was called --------------------------


def fake_aplay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: str) -> Path:
    called = tmp_path / "called"
    player = tmp_path / "bin" / "aplay"
    player.parent.mkdir()
    player.write_text(f'#!/bin/sh\necho "$@" >> {called}\n{then}\n')
    player.chmod(0o755)
    monkeypatch.setenv("PATH", f"{player.parent}:/usr/bin:/bin")
    return called


def test_aplay_plays_a_wav_file_on_the_named_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    called = fake_aplay(tmp_path, monkeypatch, "exit 0")
    sink = SoundSink("plughw:CARD=Device")

    tested = sink.self_test()
    sink.apply(told(0.0, Priority.MEDIUM))
    sink._player._playing.wait(5)
    receipt = sink.apply(told(1.0, Priority.MEDIUM))
    sink.close()

    lines = called.read_text().splitlines()
    assert [line.rsplit("/", 1)[-1] for line in lines] == ["silence.wav", "medium.wav"]
    assert all(line.startswith("-q -D plughw:CARD=Device /") for line in lines)
    assert (tested.ok, receipt.ok) == (True, True)


def test_a_device_that_is_gone_is_said_in_the_players_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fake_aplay(tmp_path, monkeypatch, "echo 'audio open error: No such device' >&2; exit 1")
    sink = SoundSink("hw:9")

    tested = sink.self_test()
    sink.apply(told(0.0, Priority.MEDIUM))
    sink._player._playing.wait(5)
    receipt = sink.apply(told(1.0, Priority.MEDIUM))
    sink.close()

    assert tested.text == "sound: aplay on hw:9: audio open error: No such device"
    assert receipt.text == "sound: aplay on hw:9 exited with 1"


def test_a_stuck_player_is_reported_and_killed_and_holds_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fake_aplay(tmp_path, monkeypatch, "exec sleep 60")
    sink = SoundSink("hw:0")
    sink.apply(told(0.0, Priority.MEDIUM))
    stuck = sink._player._playing

    receipt = sink.apply(told(9.0, Priority.MEDIUM))
    sink.apply(told(10.0))
    killed = stuck.returncode
    sink.close()

    assert receipt.text == "sound: aplay on hw:0 is stuck"
    assert killed == -9


def test_without_a_player_it_says_so_and_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    sink = SoundSink("hw:0")

    tested, receipt = sink.self_test(), sink.apply(told(0.0, Priority.MEDIUM))
    sink.close()

    assert "aplay is not installed" in tested.text
    assert (tested.ok, receipt.ok, receipt.text) == (False, False, tested.text)


def test_closing_leaves_no_files_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fake_aplay(tmp_path, monkeypatch, "exit 0")
    player = Aplay("hw:0")
    player.play(Priority.LOW, 0.0)
    left = Path(player._folder.name)

    player.close()

    assert not left.exists()
