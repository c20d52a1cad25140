"""The sound sink: when a burst starts, when it stops, and what a missing or failing player gives."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from alsa_bench import fake_aplay

from barocast.plugin.sinks import sound_player
from barocast.plugin.sinks.burst import RATE_HZ, Sound, burst
from barocast.plugin.sinks.sound import SOUND, SoundSettings, SoundSink, open_sound
from barocast.plugin.sinks.sound_measure import measure
from barocast.plugin.sinks.sound_player import Aplay
from barocast.plugin.sinks.sound_ranges import RANGES, faults
from barocast.plugin.sinks.sound_set import own_set
from barocast.plugin.sinks.sound_wav import pack, read
from barocast.plugin.sinks.way_out import Origin, way_out
from barocast.runtime.alarm.events import AlarmSnapshot, Condition, Inactivation
from barocast.runtime.alarm.rules import Priority
from barocast.runtime.errors import SettingsError


def told(
    now_s: float,
    *priorities: Priority,
    inactivation: Inactivation = Inactivation.ENABLED,
    first: int = 1,
    audio_off: bool = False,
) -> AlarmSnapshot:
    """Give a snapshot with one condition of each priority, numbered from `first`."""
    conditions = tuple(
        Condition("c", p, technical=True, text="", source=str(i), occurrence=i, inactivation=inactivation)
        for i, p in enumerate(priorities, first)
    )
    return AlarmSnapshot(now_s, conditions, audio_off=audio_off)


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


def test_aplay_plays_a_wav_file_on_the_named_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    called = fake_aplay(tmp_path, monkeypatch, "exit 0")
    sink = SoundSink("default:CARD=Device")

    tested = sink.self_test()
    sink.apply(told(0.0, Priority.MEDIUM))
    sink._player._playing.wait(5)
    receipt = sink.apply(told(1.0, Priority.MEDIUM))
    sink.close()

    silence = pack(np.zeros(round(sound_player.TEST_S * RATE_HZ)), RATE_HZ)
    assert called.read_text().splitlines() == ["-q -D default:CARD=Device -"] * 2
    assert (tmp_path / "played").read_bytes() == silence + pack(burst(Sound.MEDIUM), RATE_HZ)
    assert (tested.ok, receipt.ok) == (True, True)


def test_a_device_that_is_gone_is_said_in_the_players_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fake_aplay(tmp_path, monkeypatch, "echo 'audio open error: No such device' >&2; exit 1")
    sink = SoundSink("pcm9")

    tested = sink.self_test()
    sink.apply(told(0.0, Priority.MEDIUM))
    sink._player._playing.wait(5)
    receipt = sink.apply(told(1.0, Priority.MEDIUM))
    sink.close()

    assert tested.text == "sound: aplay on pcm9: audio open error: No such device"
    assert receipt.text == "sound: aplay on pcm9 exited with 1"


class Seconds:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def ended(sink: SoundSink) -> None:
    """Wait for the player's process."""
    if sink._player._playing is not None:
        sink._player._playing.wait(5)


@pytest.mark.req("P13", "ALM-06")
def test_a_stuck_player_is_reported_and_killed_and_holds_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fake_aplay(tmp_path, monkeypatch, "exec sleep 60")
    clock = Seconds()
    sink = SoundSink("hw:x", clock=clock)
    sink.apply(told(0.0, Priority.MEDIUM))
    stuck = sink._player._playing

    clock.now_s = 5.0
    receipt = sink.apply(told(5.0, Priority.MEDIUM))
    sink.close()

    assert receipt.text == "sound: aplay on hw:x is stuck"
    assert stuck.returncode == -9


@pytest.mark.req("ALM-10", "P13")
def test_a_failed_device_stays_failed_until_it_has_been_heard_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The alarm about the loudspeaker must not come and go with each try."""
    broken = tmp_path / "broken"
    broken.touch()
    fake_aplay(tmp_path, monkeypatch, f"test ! -e {broken}")
    clock = Seconds()
    sink = SoundSink("pcm", clock=clock)
    receipts = []
    for now_s in range(0, 40, 5):
        clock.now_s = now_s
        if now_s == 20:
            broken.unlink()
        # Acknowledged from 15 s on: silent tries take over from the bursts.
        state = Inactivation.ENABLED if now_s < 15 else Inactivation.ACKNOWLEDGED
        receipts.append(sink.apply(told(now_s, Priority.MEDIUM, inactivation=state)).ok)
        ended(sink)
    sink.close()

    assert receipts == [True, False, False, False, False, True, True, True]


@pytest.mark.req("ALM-10")
def test_a_silent_device_is_tried_every_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    called = fake_aplay(tmp_path, monkeypatch, "exit 1")
    clock = Seconds()
    sink = SoundSink("pcm", clock=clock)
    oks = []
    for hours in (0.0, 12.0, 24.0, 24.001):
        clock.now_s = 3600 * hours
        oks.append(sink.apply(told(clock.now_s)).ok)
        ended(sink)
    sink.close()

    assert oks == [True, True, True, False]
    assert len(called.read_text().splitlines()) == 1


@pytest.mark.req("P13")
def test_a_card_that_is_pulled_out_is_seen_at_the_next_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    fake_aplay(tmp_path, monkeypatch, "exit 0")
    monkeypatch.setattr(sound_player, "CARDS", tmp_path / "asound")
    card = tmp_path / "asound" / "Device"
    card.mkdir(parents=True)
    sink = SoundSink("plughw:CARD=Device,DEV=0")

    before = sink.apply(told(0.0))
    card.rmdir()
    after = sink.apply(told(5.0))
    sink.close()

    assert before.ok
    assert after.text == "sound: plughw:CARD=Device,DEV=0: the sound card is gone; plug it in"


def test_a_player_that_the_kernel_holds_is_left_alone_and_no_second_one_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    called = fake_aplay(tmp_path, monkeypatch, "exec sleep 60")
    sink = SoundSink("pcm")
    sink.apply(told(0.0, Priority.LOW))
    held = sink._player._playing
    monkeypatch.setattr(held, "kill", lambda: None)

    receipt = sink.apply(told(1.0, Priority.MEDIUM))
    monkeypatch.undo()
    sink.close()

    assert receipt.text == "sound: aplay on pcm is stuck"
    assert held.returncode == -9
    assert len(called.read_text().splitlines()) == 1


def test_without_a_player_it_says_so_and_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    sink = SoundSink("hw:0")

    tested, receipt = sink.self_test(), sink.apply(told(0.0, Priority.MEDIUM))
    sink.close()

    assert "aplay is not installed" in tested.text
    assert (tested.ok, receipt.ok, receipt.text) == (False, False, tested.text)


def descriptors() -> set[str]:
    """What this process holds open."""
    return {path.name for path in Path("/proc/self/fd").iterdir()}


def test_closing_lets_go_of_every_descriptor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    fake_aplay(tmp_path, monkeypatch)
    before = descriptors()
    player = Aplay("pcm", own_set())
    player.play(Sound.LOW, 0.0)
    player.close()

    assert descriptors() == before


# --- what sounds, and when ---------------------------------------------------------------------


@pytest.mark.req("ALM-02")
@pytest.mark.parametrize("priority", Priority)
def test_rests_between_bursts_stay_in_the_table_however_snapshots_fall(folder: Path, priority: Priority):
    """Snapshots at odd times, at most 5 s apart."""
    sink = SoundSink(f"wav:{folder}")
    times_s = [0.0]
    while times_s[-1] < 120:
        times_s.append(round(times_s[-1] + 0.1 + (7.3 * len(times_s)) % 4.9, 1))
    for now_s in times_s:
        sink.apply(told(now_s, priority))
    starts_s = [float(name.split("-")[-1].removesuffix("s.wav")) for name in heard(folder)]
    length_s = read(next(folder.glob("*.wav"))).length_s
    low_s, high_s = RANGES[Sound(str(priority))].interval_s

    assert len(starts_s) >= 5
    assert all(low_s <= b - a - length_s <= high_s for a, b in pairwise(starts_s))


@pytest.mark.req("ALM-02")
def test_what_is_written_measures_inside_the_table(folder: Path):
    sink = SoundSink(f"wav:{folder}")
    for now_s, priority in ((0.0, Priority.LOW), (1.0, Priority.MEDIUM), (2.0, Priority.HIGH)):
        sink.apply(told(now_s, priority))
    sink.apply(told(70.0, audio_off=True))
    clips = {path.name.split("-")[1]: read(path) for path in folder.glob("*.wav")}

    assert set(clips) == {"low", "medium", "high", "reminder"}
    assert all(faults(measure(clip.samples, clip.rate_hz), Sound(name)) == [] for name, clip in clips.items())


def test_while_audio_is_off_a_reminder_sounds_and_stops_with_it(folder: Path):
    sink = SoundSink(f"wav:{folder}")
    for now_s in range(0, 130, 5):
        sink.apply(told(now_s, Priority.MEDIUM, inactivation=Inactivation.AUDIO_OFF, audio_off=now_s < 100))

    assert heard(folder) == ["0001-reminder-0.0s.wav", "0002-reminder-65.0s.wav"]


def test_what_breaks_audio_off_sounds_at_once(folder: Path):
    sink = SoundSink(f"wav:{folder}")
    sink.apply(told(0.0, audio_off=True))
    sink.apply(told(0.1, Priority.LOW, audio_off=True))

    assert heard(folder) == ["0001-reminder-0.0s.wav", "0002-low-0.1s.wav"]


# --- [sinks.sound] -----------------------------------------------------------------------------


def test_the_table_makes_the_same_sink(folder: Path):
    sink = open_sound(SoundSettings(f"wav:{folder}", volume=0.5), Origin("OR 3", "b"))
    sink.apply(told(0.0, Priority.LOW))
    played = read(folder / "0001-low-0.0s.wav")

    assert way_out("sound") is SOUND
    assert measure(played.samples, played.rate_hz).peak == pytest.approx(0.4, abs=1e-3)


def site(folder: Path, **changed: Sound) -> Path:
    """A site's set of our own bursts, some in another's place."""
    folder.mkdir(exist_ok=True)
    for name, clip in own_set().clips.items():
        meant = own_set().clips[changed[str(name)]] if str(name) in changed else clip
        (folder / f"{name}.wav").write_bytes(pack(meant.samples, meant.rate_hz))
    return folder


@pytest.mark.req("ALM-02")
def test_a_sites_own_sound_outside_the_ranges_is_refused_with_its_figure(tmp_path: Path):
    settings = SoundSettings("wav:x", set=str(site(tmp_path, medium=Sound.LOW)))

    with pytest.raises(SettingsError, match=r"medium\.wav: has 2 pulses, not 3; record it anew, or say"):
        open_sound(settings, Origin("OR 3", "b"))


def test_a_site_that_means_it_is_warned_at_start(tmp_path: Path):
    settings = SoundSettings(
        f"wav:{tmp_path / 'out'}", set=str(site(tmp_path, medium=Sound.LOW)), out_of_range="warn"
    )
    test = open_sound(settings, Origin("OR 3", "b")).self_test()

    assert test.ok
    assert test.text.endswith("medium.wav: has 2 pulses, not 3")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.unlink(), "cannot be read"),
        (lambda path: path.write_bytes(b"RIFF....WAVE"), "no sound of ours"),
        (lambda path: path.write_bytes(pack(own_set().clips[Sound.LOW].samples * 0, RATE_HZ)), "is silent"),
        (
            lambda path: path.write_bytes(
                pack((own_set().clips[Sound.LOW].samples * 9).clip(-1, 1), RATE_HZ)
            ),
            "clips",
        ),
    ],
)
def test_what_is_no_sound_at_all_is_refused_even_with_warn(tmp_path: Path, spoil, said: str):
    spoil(site(tmp_path) / "low.wav")

    with pytest.raises(SettingsError, match=said):
        open_sound(SoundSettings("wav:x", set=str(tmp_path), out_of_range="warn"), Origin("OR 3", "b"))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"volume": 0.0}, r"volume: must be 0\.1 to 1"),
        ({"set": "x", "out_of_range": "ask"}, "refuse or warn"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict, said: str):
    with pytest.raises(SettingsError, match=said):
        open_sound(SoundSettings("wav:x", **wrong), Origin("OR 3", "b"))
