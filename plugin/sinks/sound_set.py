"""The four sounds of a box: our own, or those that a site has mounted, each measured before it is trusted.

    own_set(volume)                          ours, inside the ranges by construction and by test
    site_set(folder, volume, out_of_range)   high.wav, medium.wav, low.wav, reminder.wav

`out_of_range` says what happens to a site's sound that misses a range of `sound_ranges`: "refuse" raises
SettingsError with every figure, "warn" keeps it and says them at start. The standard's later sounds (auditory
icons, A2:2020, Annex G) are no bursts of pulses: a site that mounts those says "warn". What cannot be
played at all, or clips, is always refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from barocast.plugin.sinks.burst import RATE_HZ, Sound, burst
from barocast.plugin.sinks.sound_measure import measure
from barocast.plugin.sinks.sound_ranges import faults
from barocast.plugin.sinks.sound_wav import Clip, read
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

REFUSE: Final = "refuse"
WARN: Final = "warn"
VOLUMES: Final = (0.1, 1.0)
"""Below a tenth (20 dB) a setting is nearer to silence than to an alarm."""
LONGEST_S: Final = 5.5
"""A high burst of the slowest timings lasts 5 s from its first ramp to its last, ours 2.9 s."""


@dataclass(frozen=True, slots=True)
class SoundSet:
    """What each sound is, ready to play."""

    clips: Mapping[Sound, Clip]
    warnings: tuple[str, ...] = ()
    """Figures outside the ranges that the site has allowed."""


def own_set(volume: float = 1.0) -> SoundSet:
    """Synthesise all four. Raises SettingsError for a volume that cannot be meant."""
    _check_volume(volume)
    return SoundSet({sound: Clip(burst(sound) * volume, RATE_HZ) for sound in Sound})


def site_set(folder: Path, volume: float = 1.0, out_of_range: str = REFUSE) -> SoundSet:
    """Read and measure all four. Raises SettingsError."""
    _check_volume(volume)
    if out_of_range not in {REFUSE, WARN}:
        raise SettingsError(f"sound: out_of_range: {out_of_range!r} is not {REFUSE} or {WARN}")
    clips, warnings = {}, []
    for sound in Sound:
        clip = read(folder / f"{sound}.wav")
        warnings += [f"{folder / f'{sound}.wav'}: {said}" for said in judged(clip, sound)]
        clips[sound] = Clip(clip.samples * volume, clip.rate_hz)
    if warnings and out_of_range == REFUSE:
        raise SettingsError(
            f'sound: {"; ".join(warnings)}; record it anew, or say out_of_range = "{WARN}" if it is meant'
        )
    return SoundSet(clips, tuple(warnings))


def judged(clip: Clip, sound: Sound) -> list[str]:
    """Measure one sound; give what is outside the ranges. Raises SettingsError for what is no alarm sound."""
    if clip.length_s > LONGEST_S:
        raise SettingsError(f"sound: {sound}: lasts {clip.length_s:.1f} s; cut it to {LONGEST_S:g} s")
    try:
        measured = measure(clip.samples, clip.rate_hz)
    except ValueError as error:
        raise SettingsError(f"sound: {sound}: {error}; give one burst") from error
    if measured.clipped:
        raise SettingsError(f"sound: {sound}: clips; make it fainter")
    if not measured.pulses:
        raise SettingsError(f"sound: {sound}: is silent; record it anew")
    return faults(measured, sound)


def _check_volume(volume: float) -> None:
    low, high = VOLUMES
    if not low <= volume <= high:
        raise SettingsError(f"sound: volume: must be {low:g} to {high:g}, not {volume:g}")
