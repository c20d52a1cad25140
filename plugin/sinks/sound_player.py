"""Ways to make a burst heard: `aplay` on a named ALSA device, or WAV files.

A player never holds the alarm loop up and never raises: what fails is a text, and stays one until the
device has been heard to work again. While nothing sounds, the device is tried with a moment of silence:
every RETRY_S after a failure, every 24 hours otherwise; a card that has been pulled out is seen at once.
Bursts are handed over from memory: a disk that is full or gone silences nothing.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from barocast.plugin.clock import Clock
from barocast.plugin.sinks.burst import RATE_HZ
from barocast.plugin.sinks.sink import SelfTest
from barocast.plugin.sinks.sound_wav import Clip, pack

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.plugin.sinks.burst import Sound
    from barocast.plugin.sinks.sound_set import SoundSet

TEST_S: Final = 0.05
"""Length of the silence that a test plays."""
TEST_TIMEOUT_S: Final = 5.0
PATIENCE_S: Final = 2.0
"""How much later than its length a sound may end before the device counts as stuck."""
KILL_TIMEOUT_S: Final = 0.2
"""Wait for a killed player; one that the kernel holds is left to it, and nothing new is started."""
RETRY_S: Final = 4.0
"""Between tries of a device that has failed; with the snapshots every 5 s, it is tried at each."""
RETEST_S: Final = 24 * 3600.0
"""Requirement ALM-10."""
CARDS: Final = Path("/proc/asound")
"""Where the kernel lists sound cards by number and by name."""
NO_PLAYER: Final = "aplay is not installed (Debian: apt install alsa-utils); alarms make no sound"
_CARD: Final = re.compile(r"^(?:plug)?hw:(?:CARD=)?(\w+)")


class Player(Protocol):
    """A way to make a burst heard. Methods give what failed, empty when nothing did."""

    def play(self, sound: Sound, now_s: float) -> str:
        """Start a burst, ending one that still sounds."""

    def trouble(self) -> str:
        """Say what is wrong with the device as far as is known."""

    def rest(self) -> None:
        """Be silent at once; try the device when that is due."""

    def test(self) -> SelfTest:
        """Play nothing audible."""

    def close(self) -> None:
        """Be silent and leave nothing behind."""


class WavFiles:
    """Each burst as a file: for tests, and for boxes without a loudspeaker."""

    def __init__(self, folder: Path, sounds: SoundSet) -> None:
        self._folder, self._sounds, self._count, self._trouble = folder, sounds, 0, ""

    def play(self, sound: Sound, now_s: float) -> str:
        """Write `0001-medium-61.0s.wav`."""
        path = self._folder / f"{self._count + 1:04d}-{sound}-{now_s:.1f}s.wav"
        clip = self._sounds.clips[sound]
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            path.write_bytes(pack(clip.samples, clip.rate_hz))
        except OSError as error:
            self._trouble = f"sound: {path}: {error.strerror}"
            return self._trouble
        self._count, self._trouble = self._count + 1, ""
        return ""

    def trouble(self) -> str:
        """Say why the latest file could not be written."""
        return self._trouble

    def rest(self) -> None:
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

    def __init__(self, device: str, sounds: SoundSet, clock: Callable[[], float] | None = None) -> None:
        self._device, self._sounds, self._clock = device, sounds, clock or Clock()
        self._playing: subprocess.Popen[bytes] | None = None
        self._audible = False
        self._late_s = float("inf")
        self._tried_s = self._clock()
        self._trouble = ""
        self._files: dict[str, int] = {}
        """Name of a sound -> descriptor of its WAV file in memory."""

    def play(self, sound: Sound, now_s: float) -> str:  # noqa: ARG002 - a loudspeaker keeps no record
        """Start the player and return at once."""
        self._end()
        self._audible = True
        return self._start(str(sound), self._sounds.clips[sound])

    def trouble(self) -> str:
        """Look how the latest sound ended, or should have, and whether the card is there."""
        self._look()
        return self._absent() or self._trouble

    def rest(self) -> None:
        """Kill what still sounds; try the device when that is due."""
        if self._audible:
            self._end()
        due_s = RETRY_S if self._trouble else RETEST_S
        if self._playing is None and self._clock() - self._tried_s >= due_s:
            self._start("silence", _silence())

    def test(self) -> SelfTest:
        """Play a moment of silence on the device and wait for its end."""
        player = shutil.which("aplay")
        if player is None:
            return SelfTest(ok=False, text=NO_PLAYER)
        try:
            silence = self._file("silence", _silence())
            # The program is resolved above; the device is one argument and no shell reads it.
            done = subprocess.run(  # noqa: S603
                self._command(player),
                stdin=silence,
                capture_output=True,
                timeout=TEST_TIMEOUT_S,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return SelfTest(ok=False, text=f"sound: aplay on {self._device}: {error}")
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit {done.returncode}"]
            return SelfTest(ok=False, text=f"sound: aplay on {self._device}: {said[-1]}")
        return SelfTest(ok=True, text=f"sound: aplay on {self._device}")

    def close(self) -> None:
        """Be silent and forget the sounds."""
        self._end()
        while self._files:
            os.close(self._files.popitem()[1])

    def _start(self, name: str, clip: Clip) -> str:
        if self._playing is not None:
            return self._trouble
        self._tried_s = self._clock()
        self._trouble = self._started(name, clip) or self._trouble
        return self._trouble

    def _started(self, name: str, clip: Clip) -> str:
        player = shutil.which("aplay")
        if player is None:
            return NO_PLAYER
        try:
            # As in `test`: nothing here is read by a shell.
            self._playing = subprocess.Popen(  # noqa: S603
                self._command(player),
                stdin=self._file(name, clip),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except OSError as error:
            return f"sound: {error.filename or player}: {error.strerror}"
        self._late_s = self._clock() + clip.length_s + PATIENCE_S
        return ""

    def _look(self) -> None:
        if self._playing is None:
            return
        status = self._playing.poll()
        if status is None:
            if self._clock() > self._late_s:
                self._trouble = f"sound: aplay on {self._device} is stuck"
                self._end()
            return
        self._trouble = f"sound: aplay on {self._device} exited with {status}" if status else ""
        self._playing, self._audible = None, False

    def _end(self) -> None:
        """Kill what still sounds and collect its process, unless the kernel holds it."""
        self._audible = False
        if self._playing is None:
            return
        self._playing.kill()
        try:
            self._playing.wait(KILL_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._trouble = f"sound: aplay on {self._device} is stuck"
        else:
            self._playing = None

    def _absent(self) -> str:
        card = _CARD.match(self._device)
        if card is None or not CARDS.is_dir():
            return ""
        name = f"card{card[1]}" if card[1].isdigit() else card[1]
        return "" if (CARDS / name).exists() else f"sound: {self._device}: the sound card is gone; plug it in"

    def _command(self, player: str) -> list[str]:
        return [player, "-q", "-D", self._device, "-"]

    def _file(self, name: str, clip: Clip) -> int:
        """Give a descriptor that stands at the first byte of the sound's WAV file."""
        if name not in self._files:
            self._files[name] = os.memfd_create(f"barocast-{name}")
            with open(self._files[name], "wb", closefd=False) as file:
                file.write(pack(clip.samples, clip.rate_hz))
        os.lseek(self._files[name], 0, os.SEEK_SET)
        return self._files[name]


def _silence() -> Clip:
    return Clip(np.zeros(round(TEST_S * RATE_HZ)), RATE_HZ)
