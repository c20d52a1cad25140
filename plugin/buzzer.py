"""The failure buzzer: a process of its own that makes itself heard when the bedside service is dead.

    python -m barocast.plugin.buzzer --device plughw:CARD=Device --heartbeat /run/barocast/heartbeat
        watches for ever: the service touches that file each time its loops have all made progress. When
        the file has stood still for --silence-s, it sounds until the file moves, at most --longest-s
    python -m barocast.plugin.buzzer --device plughw:CARD=Device
        sounds at once, for --seconds; for systemd's OnFailure=

A change of the file's date is what counts, timed on the monotonic clock: a wall clock that is set wakes
nobody and deceives nobody. What is not there, is removed or cannot be read is silence too, after --start-s
for a service that still starts. Restarting the buzzer loses nothing: it waits for the next change anew.
While it sounds, a burst every BURST_S (--wav FILE, best `low.wav` or `medium.wav` of `barocast sound render`;
without it, or when that cannot be read, a plain tone) goes through `aplay`, and --relay opens and closes
each second. It imports next to nothing, and nothing that the service could have broken.

Exit status: 0 the service is back or the time is over; 1 neither loudspeaker nor relay works.
"""

from __future__ import annotations

import argparse
import os
import sys
from time import monotonic, sleep

TYPE_CHECKING = False
"""Type checkers take it for true; `typing` itself is not needed to make a noise."""
if TYPE_CHECKING:
    from collections.abc import Callable

    from barocast.plugin.sinks.relay_contacts import Rack

BURST_S = 5.0
"""From the start of one burst to the next: inside 2.5 to 30 s, the medium priority's rests."""
LEAST_S = 120.0
"""IEC 60601-1-8: a failure of the alarm system is signalled for 2 minutes at least."""
POLL_S = 0.25
RELAY_S = 1.0
"""The relay changes so often while it sounds."""
REAP_S = 0.05
"""What a killed player needs to be gone."""
KILL_S = 4.0
"""A player that has not ended by then is stuck."""
TONE_HZ = 8000
_PULSE = (b"\x20" * 8 + b"\xe0" * 8) * 90
"""500 Hz, square, 180 ms, as unsigned bytes at TONE_HZ."""
_REST = b"\x80" * 1440
TONE = _REST + (_PULSE + _REST) * 3
"""Three pulses, 180 ms each and 180 ms apart."""
USAGE = 2


def main(arguments: list[str] | None = None) -> int:
    """Watch or sound, as the command line says; give the exit status."""
    args = _parser().parse_args(arguments)
    if not args.device and not args.relay:
        print("barocast buzzer: name --device or --relay: it would be dumb", file=sys.stderr)
        return USAGE
    if min(args.seconds, args.longest_s) < LEAST_S:
        print(f"barocast buzzer: it sounds for {LEAST_S:g} s at least; ask for more", file=sys.stderr)
        return USAGE
    voice = Voice(args.device, args.wav, _rack(args.relay))
    if not args.heartbeat:
        return sound(voice, args.seconds, lambda: False)
    return watch(args, voice, Heartbeat(args.heartbeat, args.silence_s, args.start_s))


def watch(args: argparse.Namespace, voice: Voice, heartbeat: Heartbeat) -> int:
    """Sound in each silence of the heartbeat, without end."""
    while True:
        while not heartbeat.silent():
            sleep(POLL_S)
        _say(f"no heartbeat in {args.heartbeat}: sounding")
        status = sound(voice, args.longest_s, lambda: not heartbeat.silent())
        if heartbeat.silent():
            return status  # the time is over: the service manager starts us anew, and we sound again
        _say("the heartbeat is back")


def sound(voice: Voice, seconds: float, back: Callable[[], bool]) -> int:
    """Sound until `back` or so long; 1 when nothing could be heard at all."""
    end_s = monotonic() + seconds
    while monotonic() < end_s and not back():
        voice.turn(monotonic())
        sleep(POLL_S)
    voice.close()
    return 0 if voice.worked else 1


class Heartbeat:
    """A file whose date changes while the service is well."""

    def __init__(self, path: str, silence_s: float, start_s: float) -> None:
        self._path, self._silence_s = path, silence_s
        self._seen = self._date()
        # A file that is there already belongs to a service that should beat now.
        self._moved_s = monotonic() + (0.0 if self._seen else max(0.0, start_s - silence_s))

    def silent(self) -> bool:
        """Look; say whether it has stood still for too long."""
        now_s, date = monotonic(), self._date()
        if date and date != self._seen:
            self._seen, self._moved_s = date, now_s
        return now_s - self._moved_s > self._silence_s

    def _date(self) -> int:
        try:
            return os.stat(self._path).st_mtime_ns  # noqa: PTH116 - pathlib is more than a buzzer needs
        except OSError:
            return 0


class Voice:
    """The loudspeaker and the relay. What fails is said once on stderr; the other goes on."""

    def __init__(self, device: str, wav: str, rack: Rack | None) -> None:
        self._device, self._rack = device, rack
        self._tone, self._form = _burst(wav)
        self.worked = False
        """Something was heard, or a contact moved."""
        self._player, self._next_s, self._late_s = 0, 0.0, 0.0
        self._relay_s, self._on = 0.0, False
        self._said: set[str] = set()

    def turn(self, now_s: float) -> None:
        """Do what is due."""
        if self._device:
            self._collect(now_s)
            if now_s >= self._next_s and not self._player:
                self._next_s, self._late_s = now_s + BURST_S, now_s + KILL_S
                self._play()
        if self._rack is not None and now_s >= self._relay_s:
            self._relay_s, self._on = now_s + RELAY_S, not self._on
            self._heard(self._rack.set({"relay": self._on}))

    def close(self) -> None:
        """Be silent and let go; the next turn begins anew."""
        if self._player:
            os.kill(self._player, 9)
            sleep(REAP_S)
            self._player = 0 if os.waitpid(self._player, os.WNOHANG)[0] else self._player
        self._next_s = 0.0
        if self._rack is not None:
            self._rack.close()

    def _play(self) -> None:
        """Start aplay with the burst on its standard input, from memory."""
        reading = _in_memory(self._tone)
        null = os.open(os.devnull, os.O_RDWR)
        moved = [(os.POSIX_SPAWN_DUP2, reading, 0), *((os.POSIX_SPAWN_DUP2, null, n) for n in (1, 2))]
        command = ["aplay", "-q", "-D", self._device, *self._form, "-"]
        try:
            self._player = os.posix_spawnp("aplay", command, os.environ, file_actions=moved)
        except OSError as error:
            self._heard(f"aplay: {error.strerror}; Debian: apt install alsa-utils")
        finally:
            os.close(reading)
            os.close(null)

    def _collect(self, now_s: float) -> None:
        if not self._player:
            return
        done, status = os.waitpid(self._player, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            self._player = 0
            self._heard(f"aplay on {self._device} exited with {code}" if code else "")
        elif now_s > self._late_s:
            os.kill(self._player, 9)
            self._heard(f"aplay on {self._device} is stuck")

    def _heard(self, trouble: str) -> None:
        self.worked = self.worked or not trouble
        if trouble and trouble not in self._said:
            self._said.add(trouble)
            _say(trouble)


def _rack(address: str) -> Rack | None:
    """Reach for the relay's driver; what is broken there must not keep the loudspeaker silent."""
    if not address:
        return None
    try:
        # Imported here: without a relay the buzzer needs nothing of ours.
        from barocast.plugin.sinks.relay_contacts import Rack  # noqa: PLC0415

        return Rack({"relay": address})
    except Exception as error:  # noqa: BLE001 - a half-installed package raises whatever it likes
        _say(f"--relay {address}: {error}")
        return None


def _burst(wav: str) -> tuple[bytes, list[str]]:
    """Read the burst that was rendered beforehand, else take the plain tone; with aplay's arguments."""
    plain = ["-t", "raw", "-f", "U8", "-c", "1", "-r", str(TONE_HZ)]
    if not wav:
        return TONE, plain
    try:
        with open(wav, "rb") as file:  # noqa: PTH123 - pathlib is more than a buzzer needs
            return file.read(), []
    except OSError as error:
        _say(f"{wav}: {error.strerror}; a plain tone instead")
        return TONE, plain


def _in_memory(data: bytes) -> int:
    """Give a descriptor that reads these bytes."""
    file = os.memfd_create("burst")
    while data:
        data = data[os.write(file, data) :]
    os.lseek(file, 0, os.SEEK_SET)
    return file


def _say(text: str) -> None:
    print(f"barocast buzzer: {text}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m barocast.plugin.buzzer", description="Failure buzzer.")
    for name, about in (
        ("--device", "ALSA device, as `barocast sound list` names it"),
        ("--relay", "contact that opens and closes while it sounds"),
        ("--wav", "burst to play (default: a plain tone)"),
        ("--heartbeat", "file that the service touches; without it, sound now"),
    ):
        parser.add_argument(name, default="", help=about)
    for name, seconds, about in (
        ("--silence-s", 4.0, "longest rest of the heartbeat"),
        ("--start-s", 20.0, "patience for the first one"),
        ("--seconds", LEAST_S, "how long to sound without --heartbeat"),
        ("--longest-s", 3600.0, "how long to sound in one silence"),
    ):
        parser.add_argument(name, type=float, default=seconds, help=f"{about} (default {seconds:g})")
    return parser


if __name__ == "__main__":
    sys.exit(main())
