"""`barocast sound`: devices listed, bursts proven audible or said not to be, files measured."""

from __future__ import annotations

import wave
from typing import TYPE_CHECKING

import numpy as np
import pytest

from barocast.plugin.cli import main
from barocast.plugin.sinks.burst import RATE_HZ, Sound
from barocast.plugin.sinks.sound_heard import QUIET_S, heard
from barocast.plugin.sinks.sound_set import own_set
from barocast.plugin.sinks.sound_wav import Clip, pack, read
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


def program(folder: Path, name: str, then: str) -> None:
    folder.mkdir(exist_ok=True)
    script = folder / name
    script.write_text(f"#!/bin/sh\n{then}\n")
    script.chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with an `aplay` that plays at once."""
    folder = tmp_path / "bin"
    program(folder, "aplay", "exit 0")
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def room(sound: Sound, loudness: float, shift: float = 1.0) -> Clip:
    """What a microphone hears: a murmur, and from 0.6 s on the burst, `shift` times as high."""
    clip = own_set().clips[sound]
    noise = np.random.default_rng(1).normal(0, 0.003, round(RATE_HZ * (2 + clip.length_s)))
    at = round(0.6 * RATE_HZ)
    again = np.interp(np.arange(0, clip.samples.size, shift), np.arange(clip.samples.size), clip.samples)
    noise[at : at + again.size] += loudness * again
    return Clip(noise, RATE_HZ)


@pytest.mark.parametrize("sound", Sound)
def test_a_burst_in_a_room_is_heard(sound: Sound):
    found = heard(room(sound, 0.2), own_set().clips[sound])

    assert found.ok
    assert found.fundamental_hz == pytest.approx(found.expected_hz, abs=1.0)


@pytest.mark.parametrize(("loudness", "shift"), [(0.0, 1.0), (0.002, 1.0), (0.2, 1.05)])
def test_silence_a_whisper_and_another_pitch_are_not_heard(loudness: float, shift: float):
    found = heard(room(Sound.MEDIUM, loudness, shift), own_set().clips[Sound.MEDIUM])

    assert not found.ok
    assert "dB above the room" in found.text


def test_an_empty_recording_is_not_heard():
    assert not heard(Clip(np.zeros(round(QUIET_S * RATE_HZ)), RATE_HZ), own_set().clips[Sound.LOW]).ok


def test_with_a_microphone_each_burst_is_recorded_and_measured(
    programs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """A recorder that hands over, in turn, what a room sounds like with each burst."""
    for number, sound in enumerate(Sound):
        clip = room(sound, 0.2 if sound is not Sound.LOW else 0.0)
        (tmp_path / f"{number}.wav").write_bytes(pack(clip.samples, clip.rate_hz))
    turn = f"n=$(ls {tmp_path}/turn* 2>/dev/null | wc -l); touch {tmp_path}/turn$n"
    program(programs, "arecord", f'{turn}; sleep 0.9; for last; do :; done; cp {tmp_path}/$n.wav "$last"')

    status = main(["sound", "test", "hw:1", "--listen", "hw:2"])
    lines = capsys.readouterr().out.splitlines()

    assert status == 1
    assert [line.split(":")[1].strip() for line in lines] == ["heard", "heard", "NOT HEARD", "heard"]


def test_a_microphone_that_does_not_open_is_one_line(programs: Path, capsys: pytest.CaptureFixture[str]):
    program(programs, "arecord", "echo 'audio open error: No such device' >&2; exit 1")

    status = main(["sound", "test", "hw:1", "--listen", "hw:2"])

    assert status == 2
    assert "--listen hw:2: audio open error: No such device" in capsys.readouterr().err


def test_where_nobody_can_answer_it_says_that_nothing_is_proven(
    programs: Path, capsys: pytest.CaptureFixture[str]
):
    status = main(["sound", "test", "hw:1"])

    assert status == 1
    assert capsys.readouterr().out.count("not proven audible") == 4


@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("n", 1)])
def test_an_operator_is_asked(programs: Path, monkeypatch: pytest.MonkeyPatch, answer: str, status: int):
    asked = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda text: asked.append(text) or answer)

    assert main(["sound", "test", "hw:1"]) == status
    assert asked == [f"{sound}: heard? y/n " for sound in Sound]


def test_a_device_that_fails_is_one_line_with_the_mend(programs: Path, capsys: pytest.CaptureFixture[str]):
    program(programs, "aplay", "echo 'audio open error: No such file' >&2; exit 1")

    assert main(["sound", "test", "hw:7"]) == 2
    assert "hw:7: audio open error: No such file; `barocast sound list`" in capsys.readouterr().err


def test_what_render_writes_measure_finds_inside(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    main(["sound", "render", str(tmp_path / "set")])
    statuses = [main(["sound", "measure", str(tmp_path / "set" / f"{sound}.wav")]) for sound in Sound]

    assert statuses == [0, 0, 0, 0]
    assert "inside the ranges of a reminder sound" in capsys.readouterr().out


def test_measure_names_what_is_outside(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    main(["sound", "render", str(tmp_path)])

    assert main(["sound", "measure", str(tmp_path / "low.wav"), "--as", "high"]) == 1
    assert "OUTSIDE: has 2 pulses, not 10" in capsys.readouterr().out


def test_measure_does_not_guess_which_sound_a_file_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "gong.wav").write_bytes(pack(own_set().clips[Sound.LOW].samples, RATE_HZ))

    assert main(["sound", "measure", str(tmp_path / "gong.wav")]) == 2
    assert "say --as" in capsys.readouterr().err


def test_list_names_the_devices(programs: Path, capsys: pytest.CaptureFixture[str]):
    program(programs, "aplay", "printf 'hw:CARD=Device,DEV=0\\n    USB Audio\\n'")

    assert main(["sound", "list"]) == 0
    assert capsys.readouterr().out == "hw:CARD=Device,DEV=0\n"


@pytest.mark.parametrize("bits", [8, 16, 24, 32])
def test_every_width_of_sample_is_read_alike(tmp_path: Path, bits: int):
    values = np.array([0.0, 0.5, -0.5, 0.25])
    whole = np.round(values * 2 ** (bits - 1)).astype(np.int64) + (128 if bits == 8 else 0)
    with wave.open(str(tmp_path / "w.wav"), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(bits // 8)
        out.setframerate(48_000)
        for one in whole:
            frame = int(one).to_bytes(bits // 8, "little", signed=bits != 8)
            out.writeframes(frame + bytes(bits // 8))

    assert read(tmp_path / "w.wav").samples.tolist() == values.tolist()


@pytest.mark.parametrize("data", [b"", b"RIFF", b"RIFF\x00\x00\x00\x00WAVEfmt ", b"\x00" * 100])
def test_what_is_no_wav_file_is_one_clear_error(tmp_path: Path, data: bytes):
    (tmp_path / "w.wav").write_bytes(data)

    with pytest.raises(SettingsError, match=r"w\.wav: no sound of ours .*give PCM"):
        read(tmp_path / "w.wav")
