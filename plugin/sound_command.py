"""`barocast sound list | test DEVICE | measure FILE | render DIR`: find, prove and measure the loudspeaker.

`test` plays each burst and asks whether it was heard; with `--listen DEVICE` it records it and measures that
it was there. Where nobody can answer and nothing listens, it says that the sound is not proven audible.
Exit status: 0 good, 1 not heard, not proven or outside the ranges, 2 bad input.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from barocast.plugin.sinks.burst import Sound
from barocast.plugin.sinks.sound_heard import QUIET_S, heard
from barocast.plugin.sinks.sound_measure import measure
from barocast.plugin.sinks.sound_ranges import faults
from barocast.plugin.sinks.sound_set import WARN, SoundSet, own_set, site_set
from barocast.plugin.sinks.sound_wav import pack, read
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from barocast.plugin.sinks.sound_measure import Measured
    from barocast.plugin.sinks.sound_wav import Clip

HELP: Final = "List, test and measure the alarm sounds and the loudspeaker."
SLACK_S: Final = 3.0
"""How much longer than its sound a player may take before it counts as stuck."""
LIST_TIMEOUT_S: Final = 10.0
RECORD_HZ: Final = 44_100
MEND: Final = "Debian: apt install alsa-utils"


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command line."""
    acts = parser.add_subparsers(dest="act", required=True, metavar="list | test | measure | render")
    acts.add_parser("list", help="name the devices that `aplay` knows")
    test = acts.add_parser("test", help="play every burst on a device and ask whether it was heard")
    test.add_argument("device", metavar="DEVICE", help="as `barocast sound list` names it")
    test.add_argument("--set", type=Path, default=None, help="folder of the site's own sounds")
    test.add_argument("--volume", type=float, default=1.0, help="0.1 to 1 (default 1)")
    test.add_argument("--listen", metavar="DEVICE", default="", help="record with this device and measure")
    found = acts.add_parser("measure", help="measure a WAV file against the standard's ranges")
    found.add_argument("file", type=Path, metavar="FILE")
    found.add_argument(
        "--as", dest="sound", choices=[*map(str, Sound)], default=None, help="default: the file's name"
    )
    render = acts.add_parser("render", help="write our four bursts as WAV files")
    render.add_argument("folder", type=Path, metavar="DIR")


def run(args: Namespace) -> int:
    """Do it; give the exit status."""
    acts = {"list": _list, "test": _test, "measure": _measure, "render": _render}
    return acts[args.act](args)


def _list(_: Namespace) -> int:
    done = _called([_program("aplay"), "-L"], LIST_TIMEOUT_S)
    names = [line for line in done.stdout.decode(errors="replace").splitlines() if line[:1].strip()]
    for name in names:
        print(name)
    if names in ([], ["null"]):
        print("no sound card: plug one in, or use wav:DIR", file=sys.stderr)
    return 0


def _test(args: Namespace) -> int:
    sounds = site_set(args.set, args.volume, WARN) if args.set else own_set(args.volume)
    for said in sounds.warnings:
        print(f"outside the ranges: {said}")
    results = [_proved(sound, sounds, args) for sound in Sound]
    return 0 if all(results) else 1


def _proved(sound: Sound, sounds: SoundSet, args: Namespace) -> bool:
    """Play one burst; say whether it is proven to be heard."""
    clip = sounds.clips[sound]
    with tempfile.TemporaryDirectory(prefix="barocast-sound-") as folder:
        path, record = Path(folder) / f"{sound}.wav", Path(folder) / "recorded.wav"
        path.write_bytes(pack(clip.samples, clip.rate_hz))
        if args.listen:
            _record_and_play(args, path, record, clip)
            found = heard(read(record), clip)
            print(f"{sound}: {'heard' if found.ok else 'NOT HEARD'}: {found.text}")
            return found.ok
        _play(args.device, path, clip)
    return _asked(sound)


def _asked(sound: Sound) -> bool:
    if not sys.stdin.isatty():
        print(f"{sound}: played; nobody to ask and no --listen device: not proven audible")
        return False
    answer = input(f"{sound}: heard? y/n ").strip().lower()
    return answer.startswith("y")


def _play(device: str, path: Path, clip: Clip) -> None:
    done = _called([_program("aplay"), "-q", "-D", device, str(path)], clip.length_s + SLACK_S)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines() or [f"exit {done.returncode}"]
        raise SettingsError(f"sound: {device}: {said[-1]}; `barocast sound list` names the devices")


def _record_and_play(args: Namespace, path: Path, record: Path, clip: Clip) -> None:
    """Record the room, then the burst, with a recorder that ends by itself."""
    seconds = round(QUIET_S + clip.length_s + 2.0)
    command = [_program("arecord"), "-q", "-D", args.listen, "-d", str(seconds), "-f", "S16_LE"]
    lasting = [*command, "-r", str(RECORD_HZ), "-c", "1", str(record)]
    # The program is resolved by _program; the devices are one argument each and no shell reads them.
    with subprocess.Popen(lasting, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as recorder:  # noqa: S603
        try:
            recorder.wait(2 * QUIET_S)  # the room alone; a recorder that has ended already has failed
        except subprocess.TimeoutExpired:
            _play(args.device, path, clip)
        try:
            said = recorder.communicate(timeout=seconds + SLACK_S)[1]
        except subprocess.TimeoutExpired:
            recorder.kill()
            raise SettingsError(f"sound: arecord on {args.listen} is stuck; name another device") from None
    if recorder.returncode:
        lines = said.decode(errors="replace").strip().splitlines() or [f"exit {recorder.returncode}"]
        raise SettingsError(f"sound: --listen {args.listen}: {lines[-1]}; `arecord -L` names the devices")


def _measure(args: Namespace) -> int:
    sound = _sound_of(args)
    clip = read(args.file)
    try:
        measured = measure(clip.samples, clip.rate_hz)
    except ValueError as error:
        raise SettingsError(f"{args.file}: {error}; give one burst") from error
    for line in figures(measured):
        print(line)
    outside = faults(measured, sound)
    for said in outside:
        print(f"OUTSIDE: {said}")
    print(f"{args.file}: {'outside' if outside else 'inside'} the ranges of a {sound} sound")
    return 1 if outside else 0


def _sound_of(args: Namespace) -> Sound:
    word = args.sound or args.file.stem
    if word not in set(map(str, Sound)):
        raise SettingsError(f"{args.file}: which sound is it? say --as high, medium, low or reminder")
    return Sound(word)


def figures(measured: Measured) -> list[str]:
    """Give a table of what was measured, one line for each pulse."""
    head = (
        f"{len(measured.pulses)} pulses, peak {measured.peak:.2f}, levels within {measured.spread_db:.1f} dB"
    )
    lines = [head, "pulse  t_d ms  rise ms  fall ms  rest ms  fundamental Hz  four largest within dB"]
    rests = [*(f"{1000 * rest:7.1f}" for rest in measured.spacings_s), "      -"]
    for number, (pulse, rest) in enumerate(zip(measured.pulses, rests, strict=False), start=1):
        within_db = max((below for _, below in pulse.strongest), default=float("nan"))
        lines.append(
            f"{number:5d} {1000 * pulse.length_s:7.1f} {1000 * pulse.rise_s:8.1f} {1000 * pulse.fall_s:8.1f}"
            f"  {rest} {pulse.fundamental_hz:15.1f} {within_db:23.1f}"
        )
    return lines


def _render(args: Namespace) -> int:
    args.folder.mkdir(parents=True, exist_ok=True)
    for sound, clip in own_set().clips.items():
        path = args.folder / f"{sound}.wav"
        path.write_bytes(pack(clip.samples, clip.rate_hz))
        print(path)
    return 0


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise SettingsError(f"{name} is not installed; {MEND}")
    return found


def _called(command: list[str], timeout_s: float) -> subprocess.CompletedProcess[bytes]:
    try:
        # The program is resolved by _program; no shell reads the arguments.
        return subprocess.run(  # noqa: S603
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise SettingsError(
            f"{Path(command[0]).name} is stuck after {timeout_s:.0f} s; try another device"
        ) from error
