"""The audible signal: bursts on a named ALSA device, or as WAV files where there is no loudspeaker.

    hw:1,0, plughw:CARD=Device, ...   played by `aplay -D` (alsa-utils), in a process of its own
    wav:DIR                           each burst as a file in DIR, named by number, time and priority

The device is always named: a default device may well be a television that is not plugged in. A burst starts
at once when a condition is raised. The bursts after it are timed by the snapshots, which come at least
every 5 s: each starts on the first one after its interval, so intervals lengthen by up to 5 s and stay in the
standard's ranges. While audio is off and nothing sounds, a reminder does.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from barocast.plugin.sinks.burst import PATTERNS, Sound
from barocast.plugin.sinks.sink import Guarantee, Receipt, SelfTest
from barocast.plugin.sinks.sound_player import Aplay, Player, WavFiles
from barocast.plugin.sinks.sound_set import REFUSE, SoundSet, own_set, site_set
from barocast.plugin.sinks.way_out import Origin, WayOut
from barocast.runtime.alarm.events import Inactivation
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.runtime.alarm.events import AlarmSnapshot
    from barocast.runtime.alarm.rules import Priority

WAV_TARGET = "wav:"
INTERVAL_MIN_S = 2.5
"""Least rest before any next burst, were it a new occurrence; a higher priority does not wait."""


@dataclass(frozen=True, slots=True)
class SoundSettings:
    """The table [sinks.sound]."""

    device: str
    """As `aplay -L` lists it, or wav:DIR."""
    set: str = ""
    """Folder of the site's own high.wav, medium.wav, low.wav and reminder.wav; empty: ours."""
    volume: float = 1.0
    """Share of the full level, 0.1 to 1; the loudspeaker's own volume is the site's to set."""
    out_of_range: str = REFUSE
    """What to do with a sound of the site's outside the standard's ranges: refuse, or warn."""

    def __post_init__(self) -> None:
        """Raise SettingsError when no device is named."""
        if not self.device.removeprefix(WAV_TARGET):
            raise SettingsError("sound: name the device (`barocast sound list` shows them) or wav:DIR")


class SoundSink:
    """Sounds the highest condition that is neither acknowledged nor paused."""

    def __init__(
        self, device: str, sounds: SoundSet | None = None, clock: Callable[[], float] | None = None
    ) -> None:
        """Open nothing yet. `clock`: real seconds, for what plays. Raises SettingsError without a device."""
        SoundSettings(device)
        self._sounds = sounds or own_set()
        is_wav = device.startswith(WAV_TARGET)
        self.guarantee: Guarantee = "best_effort" if is_wav else "primary"
        folder = Path(device.removeprefix(WAV_TARGET))
        self._player: Player = (
            WavFiles(folder, self._sounds) if is_wav else Aplay(device, self._sounds, clock)
        )
        self._heard: frozenset[int] = frozenset()
        self._last: Sound | None = None
        self._rest_from_s = float("-inf")

    def self_test(self) -> SelfTest:
        """Play an inaudible moment; say plainly what is missing, and what of a site's set is out of range."""
        test = self._player.test()
        return SelfTest(test.ok, "; ".join((test.text, *self._sounds.warnings)))

    def apply(self, snapshot: AlarmSnapshot) -> Receipt:
        """Start a burst when one is due; be silent when none may sound."""
        sound = _sound(snapshot)
        trouble = self._player.trouble()
        if sound is None:
            self._player.rest()
            self._heard = frozenset()
        elif self._due(snapshot, sound):
            self._heard = _enabled(snapshot)
            self._rest_from_s = snapshot.now_s + self._sounds.clips[sound].length_s
            trouble = self._player.play(sound, snapshot.now_s) or trouble
        self._last = sound
        return Receipt(ok=not trouble, text=trouble)

    def close(self) -> None:
        """Be silent."""
        self._player.close()

    def _due(self, snapshot: AlarmSnapshot, sound: Sound) -> bool:
        if _rank(sound) > _rank(self._last):
            return True
        rest_s = snapshot.now_s - self._rest_from_s
        is_new = bool(_enabled(snapshot) - self._heard)
        return rest_s >= (INTERVAL_MIN_S if is_new else PATTERNS[sound].interval_s)


def open_sound(settings: SoundSettings, origin: Origin) -> SoundSink:  # noqa: ARG001 - a burst names nobody
    """Make the sink of [sinks.sound]; the site's set is measured here. Raises SettingsError."""
    folder = Path(settings.set)
    sounds = (
        site_set(folder, settings.volume, settings.out_of_range) if settings.set else own_set(settings.volume)
    )
    return SoundSink(settings.device, sounds)


SOUND = WayOut(SoundSettings, open_sound)


def _sound(snapshot: AlarmSnapshot) -> Sound | None:
    priority: Priority | None = snapshot.sounding
    if priority is not None:
        return Sound(str(priority))
    return Sound.REMINDER if snapshot.audio_off else None


def _rank(sound: Sound | None) -> int:
    """Order what sounds; whatever is due after silence comes at once."""
    return -1 if sound is None else (Sound.REMINDER, Sound.LOW, Sound.MEDIUM, Sound.HIGH).index(sound)


def _enabled(snapshot: AlarmSnapshot) -> frozenset[int]:
    return frozenset(c.occurrence for c in snapshot.conditions if c.inactivation is Inactivation.ENABLED)
