"""The audible signal: bursts on a named ALSA device, or as WAV files where there is no loudspeaker.

    hw:1,0, plughw:CARD=Device, ...   played by `aplay -D` (alsa-utils), in a process of its own
    wav:DIR                           each burst as a file in DIR, named by number, time and priority

The device is always named: a default device may well be a television that is not plugged in. Bursts
are timed by the snapshots, which come at least every 5 s: a burst starts on the first one after its
interval, so intervals lengthen by up to 5 s and stay in the standard's ranges.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from barocast.plugin.sinks.burst import PATTERNS, RATE_HZ, burst, wav
from barocast.plugin.sinks.sink import Guarantee, Receipt, SelfTest
from barocast.runtime.alarm.events import Inactivation
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from barocast.runtime.alarm.events import AlarmSnapshot
    from barocast.runtime.alarm.rules import Priority
    from barocast.runtime.domain import Floats

WAV_TARGET = "wav:"
INTERVAL_MIN_S = 2.5
"""Least rest before any next burst, were it a new occurrence; a higher priority does not wait."""
TEST_S = 0.05
"""Length of the silence that the self-test plays."""
TEST_TIMEOUT_S = 5.0
PATIENCE_S = 2.0
"""How much later than its length a burst may end before the device counts as stuck."""
KILL_TIMEOUT_S = 0.5
NO_PLAYER = "aplay is not installed (Debian: apt install alsa-utils); alarms make no sound"


class Player(Protocol):
    """A way to make a burst heard. Methods give what failed, empty when nothing did."""

    def play(self, priority: Priority, now_s: float) -> str:
        """Start a burst, ending one that still sounds."""

    def trouble(self, now_s: float) -> str:
        """Say how the latest burst failed, if it did."""

    def stop(self) -> None:
        """Be silent at once."""

    def test(self) -> SelfTest:
        """Play nothing audible."""

    def close(self) -> None:
        """Be silent and leave nothing behind."""


class SoundSink:
    """Sounds the highest condition that is neither acknowledged nor paused."""

    guarantee: Guarantee = "primary"

    def __init__(self, device: str) -> None:
        """Open nothing yet. Raises SettingsError when no device is named."""
        if not device.removeprefix(WAV_TARGET):
            raise SettingsError("sound: name the device (`aplay -L` lists them) or wav:DIR")
        is_wav = device.startswith(WAV_TARGET)
        self._player: Player = WavFiles(Path(device.removeprefix(WAV_TARGET))) if is_wav else Aplay(device)
        self._heard: frozenset[int] = frozenset()
        self._last: Priority | None = None
        self._rest_from_s = float("-inf")

    def self_test(self) -> SelfTest:
        """Play an inaudible moment; say plainly what is missing."""
        return self._player.test()

    def apply(self, snapshot: AlarmSnapshot) -> Receipt:
        """Start a burst when one is due; be silent when none may sound."""
        sounding = snapshot.sounding
        if sounding is None:
            self._player.stop()
            self._last, self._heard = None, frozenset()
            return Receipt()
        trouble = self._player.trouble(snapshot.now_s)
        if self._due(snapshot, sounding):
            self._heard = _enabled(snapshot)
            self._rest_from_s = snapshot.now_s + PATTERNS[sounding].length_s
            trouble = self._player.play(sounding, snapshot.now_s) or trouble
        self._last = sounding
        return Receipt(ok=not trouble, text=trouble)

    def close(self) -> None:
        """Be silent."""
        self._player.close()

    def _due(self, snapshot: AlarmSnapshot, sounding: Priority) -> bool:
        if self._last is not None and sounding > self._last:
            return True
        rest_s = snapshot.now_s - self._rest_from_s
        is_new = bool(_enabled(snapshot) - self._heard)
        return rest_s >= (INTERVAL_MIN_S if is_new else PATTERNS[sounding].interval_s)


def _enabled(snapshot: AlarmSnapshot) -> frozenset[int]:
    return frozenset(c.occurrence for c in snapshot.conditions if c.inactivation is Inactivation.ENABLED)


class WavFiles:
    """Each burst as a file: for tests, and for boxes without a loudspeaker."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._count = folder, 0

    def play(self, priority: Priority, now_s: float) -> str:
        """Write `0001-medium-61.0s.wav`."""
        path = self._folder / f"{self._count + 1:04d}-{priority}-{now_s:.1f}s.wav"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(wav(burst(priority)))
        except OSError as error:
            return f"sound: {path}: {error.strerror}"
        self._count += 1
        return ""

    def trouble(self, now_s: float) -> str:  # noqa: ARG002 - a file is not late
        """Give nothing: a file is written or refused at once."""
        return ""

    def stop(self) -> None:
        """Do nothing: a file makes no sound."""

    def test(self) -> SelfTest:
        """Make the folder."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            return SelfTest(ok=False, text=f"sound: {self._folder}: {error.strerror}")
        return SelfTest(ok=True, text=f"sound: WAV files in {self._folder}; no loudspeaker")

    def close(self) -> None:
        """Keep the files."""


class Aplay:
    """One `aplay` process for each burst, so that a stuck device never holds up the alarm loop."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._playing: subprocess.Popen[bytes] | None = None
        self._late_s = float("inf")
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def play(self, priority: Priority, now_s: float) -> str:
        """Start the player and return at once."""
        self.stop()
        player = shutil.which("aplay")
        if player is None:
            return NO_PLAYER
        try:
            # The program is resolved above; the device is one argument and no shell reads it.
            self._playing = subprocess.Popen(  # noqa: S603
                self._command(player, self._file(str(priority), burst(priority))),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            return f"sound: {player}: {error.strerror}"
        self._late_s = now_s + PATTERNS[priority].length_s + PATIENCE_S
        return ""

    def trouble(self, now_s: float) -> str:
        """Read the exit status of a burst that has ended, or should have."""
        if self._playing is None:
            return ""
        status = self._playing.poll()
        if status is None and now_s > self._late_s:
            return f"sound: aplay on {self._device} is stuck"
        return f"sound: aplay on {self._device} exited with {status}" if status else ""

    def stop(self) -> None:
        """Kill what still sounds and collect its process, unless the kernel holds it."""
        if self._playing is not None:
            self._playing.kill()
            with suppress(subprocess.TimeoutExpired):
                self._playing.wait(KILL_TIMEOUT_S)
            self._playing = None

    def test(self) -> SelfTest:
        """Play a moment of silence on the device."""
        player = shutil.which("aplay")
        if player is None:
            return SelfTest(ok=False, text=NO_PLAYER)
        try:
            silence = self._file("silence", np.zeros(round(TEST_S * RATE_HZ)))
            # As in `play`: nothing here is read by a shell.
            done = subprocess.run(  # noqa: S603
                self._command(player, silence), capture_output=True, timeout=TEST_TIMEOUT_S, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return SelfTest(ok=False, text=f"sound: aplay on {self._device}: {error}")
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit {done.returncode}"]
            return SelfTest(ok=False, text=f"sound: aplay on {self._device}: {said[-1]}")
        return SelfTest(ok=True, text=f"sound: aplay on {self._device}")

    def close(self) -> None:
        """Be silent and remove the burst files."""
        self.stop()
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _command(self, player: str, path: Path) -> list[str]:
        return [player, "-q", "-D", self._device, str(path)]

    def _file(self, name: str, samples: Floats) -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="barocast-sound-")
        path = Path(self._folder.name) / f"{name}.wav"
        if not path.exists():
            path.write_bytes(wav(samples))
        return path
