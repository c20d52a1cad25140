"""The failure buzzer: when it sounds, when it stops, what it stands on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from alsa_bench import fake_aplay, file_device

from barocast.plugin import buzzer
from barocast.plugin.buzzer import TONE, TONE_HZ, Heartbeat, Voice, main, sound
from barocast.plugin.sinks.burst import Sound
from barocast.plugin.sinks.sound_measure import measure
from barocast.plugin.sinks.sound_ranges import RANGES, faults
from barocast.plugin.sinks.sound_set import own_set
from barocast.plugin.sinks.sound_wav import pack, read

if TYPE_CHECKING:
    from pathlib import Path


class Seconds:
    """Monotonic time that only sleeping moves; `then` is called at its moments."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s, self.moments = 1000.0, []
        monkeypatch.setattr(buzzer, "monotonic", lambda: self.now_s)
        monkeypatch.setattr(buzzer, "sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        while self.moments and self.moments[0][0] <= self.now_s:
            self.moments.pop(0)[1]()

    def at(self, seconds: float, act) -> None:
        self.moments.append((1000.0 + seconds, act))


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> Seconds:
    return Seconds(monkeypatch)


def beat(path: Path, number: int) -> None:
    """Touch it, `number` being a date that never was before."""
    path.touch()
    os.utime(path, ns=(number, number))


class Ear(Voice):
    """A voice that keeps when it spoke and lets go."""

    def __init__(self, seconds: Seconds) -> None:
        super().__init__("", "", None)
        self.seconds, self.spoke_s, self.closed_s, self.worked = seconds, [], [], True

    def turn(self, now_s: float) -> None:
        self.spoke_s.append(now_s - 1000.0)

    def close(self) -> None:
        self.closed_s.append(self.seconds.now_s - 1000.0)


def watched(path: Path, ear: Ear, *more: str) -> int:
    args = buzzer._parser().parse_args(["--heartbeat", str(path), *more])
    return buzzer.watch(args, ear, Heartbeat(args.heartbeat, args.silence_s, args.start_s))


@pytest.mark.req("ALM-13", "P11")
def test_it_sounds_within_5_s_of_the_last_heartbeat_and_until_the_next(seconds: Seconds, tmp_path: Path):
    path, ear = tmp_path / "heartbeat", Ear(seconds)
    beat(path, 1)
    for t in range(1, 31):
        seconds.at(t, lambda t=t: beat(path, 10 + t))
    seconds.at(300, lambda: beat(path, 1000))  # back for one beat, then dead for good

    watched(path, ear)
    first, second = ear.spoke_s[0], next(t_s for t_s in ear.spoke_s if t_s > ear.closed_s[0])

    assert 34.0 <= first <= 35.0
    assert 300.0 <= ear.closed_s[0] <= 300.5
    assert 304.0 <= second <= 305.0


@pytest.mark.req("ALM-13")
def test_one_silence_is_sounded_for_so_long_and_no_longer(seconds: Seconds, tmp_path: Path):
    path, ear = tmp_path / "heartbeat", Ear(seconds)
    beat(path, 1)

    status = watched(path, ear, "--longest-s", "150")

    assert status == 0
    assert ear.closed_s[-1] - ear.spoke_s[0] == pytest.approx(150, abs=0.5)


def test_restarted_over_a_dead_service_it_sounds_within_5_s(seconds: Seconds, tmp_path: Path):
    path, ear = tmp_path / "heartbeat", Ear(seconds)
    beat(path, 1)
    watched(path, ear)

    assert ear.spoke_s[0] <= 5.0


def test_a_service_that_still_starts_is_given_time_and_one_that_never_does_is_heard(
    seconds: Seconds, tmp_path: Path
):
    ear = Ear(seconds)
    watched(tmp_path / "heartbeat", ear)

    assert 20.0 <= ear.spoke_s[0] <= 20.5


def test_a_heartbeat_that_is_removed_is_silence(seconds: Seconds, tmp_path: Path):
    path, ear = tmp_path / "heartbeat", Ear(seconds)
    beat(path, 1)
    seconds.at(2, lambda: beat(path, 2))
    seconds.at(3, path.unlink)
    watched(path, ear)

    assert 6.0 <= ear.spoke_s[0] <= 7.0


def test_a_wall_clock_that_is_set_back_still_counts_as_a_beat(seconds: Seconds, tmp_path: Path):
    path = tmp_path / "heartbeat"
    beat(path, 10**18)
    heartbeat = Heartbeat(str(path), 4.0, 20.0)
    seconds.now_s += 3.0
    beat(path, 5)
    assert not heartbeat.silent()
    seconds.now_s += 3.0

    assert not heartbeat.silent()


# --- what is heard ----------------------------------------------------------------------------


def ended(voice: Voice) -> None:
    """Wait for the player without taking its status away."""
    if voice._player:
        os.waitid(os.P_PID, voice._player, os.WEXITED | os.WNOWAIT)


def started(called: Path) -> None:
    """Wait for the player to have been called."""
    for _ in range(1000):
        if called.exists():
            return
        time.sleep(0.01)


@pytest.mark.req("ALM-13")
def test_without_a_heartbeat_it_sounds_for_120_s_a_burst_each_5_s(
    seconds: Seconds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    called = fake_aplay(tmp_path, monkeypatch)
    voice = Voice("hw:0", "", None)
    turn = voice.turn
    monkeypatch.setattr(voice, "turn", lambda now_s: (turn(now_s), ended(voice)))

    status = sound(voice, 120.0, lambda: False)

    assert (status, called.read_text().splitlines()[0]) == (0, "-q -D hw:0 -t raw -f U8 -c 1 -r 8000 -")
    assert len(called.read_text().splitlines()) == 24
    assert (tmp_path / "played").read_bytes() == TONE * 24


@pytest.mark.req("ALM-13")
def test_the_plain_tone_has_the_pulses_and_rests_of_a_medium_burst():
    """Its harmonics are a square wave's: for the failure signal the standard asks no spectrum."""
    samples = np.frombuffer(TONE + b"\x80" * 800, dtype=np.uint8) / 128.0 - 1.0
    found = measure(samples, TONE_HZ)
    ranges = RANGES[Sound.MEDIUM]

    assert len(found.pulses) == 3
    assert all(ranges.length_s[0] <= pulse.length_s <= ranges.length_s[1] for pulse in found.pulses)
    assert all(ranges.spacing_s[0] <= rest <= ranges.spacing_s[1] for rest in found.spacings_s)
    assert found.pulses[0].fundamental_hz == pytest.approx(500.0, abs=1.0)
    assert 2.5 <= buzzer.BURST_S - len(TONE) / TONE_HZ <= 30.0


@pytest.mark.skipif(shutil.which("aplay") is None, reason="needs aplay (Debian: alsa-utils)")
@pytest.mark.parametrize("rendered", [True, False])
def test_real_aplay_plays_it_from_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, rendered: bool):
    file, wav, clip = (
        file_device(tmp_path, monkeypatch),
        tmp_path / "medium.wav",
        own_set().clips[Sound.MEDIUM],
    )
    wav.write_bytes(pack(clip.samples, clip.rate_hz))
    voice = Voice("tofile", str(wav) if rendered else "", None)
    voice.turn(0.0)
    ended(voice)
    voice.turn(1.0)
    played = read(file)
    voice.close()

    assert voice.worked
    assert len(measure(played.samples, played.rate_hz).pulses) == 3
    assert not rendered or faults(measure(played.samples, played.rate_hz), Sound.MEDIUM) == []


def test_a_burst_that_is_gone_is_said_and_a_tone_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    called = fake_aplay(tmp_path, monkeypatch)
    voice = Voice("hw:0", str(tmp_path / "none.wav"), None)
    voice.turn(0.0)
    ended(voice)
    voice.close()

    assert "none.wav: No such file or directory; a plain tone instead" in capsys.readouterr().err
    assert "-t raw" in called.read_text()


def test_a_stuck_player_is_killed_and_the_next_burst_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    called = fake_aplay(tmp_path, monkeypatch, "exec sleep 60")
    voice = Voice("hw:0", "", None)
    voice.turn(0.0)
    started(called)
    voice.turn(4.5)
    ended(voice)
    called.unlink()
    voice.turn(5.0)
    started(called)
    voice.close()

    assert "aplay on hw:0 is stuck" in capsys.readouterr().err
    assert not voice.worked


def test_with_neither_loudspeaker_nor_relay_working_it_says_so_and_fails(
    seconds: Seconds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("PATH", str(tmp_path))

    status = main(["--device", "hw:0", "--relay", "lcus:///dev/none?contact=1"])
    said = capsys.readouterr().err

    assert status == 1
    assert "aplay: No such file or directory; Debian: apt install alsa-utils" in said
    assert said.count("barocast buzzer: /dev/none: ") == 1


def test_a_relay_that_cannot_be_meant_does_not_silence_the_loudspeaker(
    seconds: Seconds, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    called, turn = fake_aplay(tmp_path, monkeypatch), Voice.turn
    monkeypatch.setattr(Voice, "turn", lambda voice, now_s: (turn(voice, now_s), ended(voice)))
    main(["--device", "hw:0", "--relay", "gpio17"])

    assert "is no contact" in capsys.readouterr().err
    assert called.exists()


class Coil:
    """A rack that counts."""

    def __init__(self) -> None:
        self.states, self.closed = [], 0

    def set(self, states) -> str:
        self.states.append(states["relay"])
        return ""

    def close(self) -> None:
        self.closed += 1


def test_a_relay_opens_and_closes_each_second(seconds: Seconds):
    coil = Coil()

    status = sound(Voice("", "", coil), 120.0, lambda: False)

    assert (status, coil.closed) == (0, 1)
    assert coil.states == [True, False] * 60


@pytest.mark.parametrize(
    ("words", "said"), [((), "it would be dumb"), (("--device", "x", "--seconds", "5"), "120 s at least")]
)
def test_what_cannot_be_meant_is_refused(words: tuple[str, ...], said: str, capsys):
    assert main([*words]) == 2
    assert said in capsys.readouterr().err


# --- what it stands on --------------------------------------------------------------------------

ITS_OWN = {"barocast", "barocast.plugin", "barocast.plugin.buzzer"}
HEAVY = {
    "numpy",
    "serial",
    "onnxruntime",
    "asyncio",
    "subprocess",
    "typing",
    "dataclasses",
    "datetime",
    "json",
}


@pytest.mark.req("ALM-13")
def test_it_imports_nothing_that_the_service_could_have_broken():
    """And takes little memory: 2 MB more than the bare interpreter at most."""
    bare = "import re; print(re.search('VmHWM: *\\\\t*(.*) kB', open('/proc/self/status').read())[1])"
    full = f"import sys, barocast.plugin.buzzer; print(*sys.modules); {bare}"
    modules, taken_kb = _said(full).splitlines()
    added = set(modules.split()) - set(_said("import sys; print(*sys.modules)").split())

    assert {name for name in added if name.startswith("barocast")} <= ITS_OWN
    assert added & HEAVY == set()
    assert int(taken_kb) - int(_said(bare)) < 2048


def _said(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


@pytest.mark.req("ALM-13", "P11")
def test_the_real_process_sounds_when_the_heartbeat_stops_and_falls_silent_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    called, path = fake_aplay(tmp_path, monkeypatch), tmp_path / "heartbeat"
    beat(path, 1)
    command = [sys.executable, "-m", "barocast.plugin.buzzer", "--device", "hw:0"]
    with subprocess.Popen(
        [*command, "--heartbeat", str(path), "--silence-s", "0.5"], stderr=subprocess.PIPE, text=True
    ) as process:
        first = process.stderr.readline()
        started(called)
        beat(path, 2)
        second = process.stderr.readline()
        process.kill()

    assert first == f"barocast buzzer: no heartbeat in {path}: sounding\n"
    assert second == "barocast buzzer: the heartbeat is back\n"
    assert called.exists()
