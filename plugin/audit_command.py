"""`barocast audit verify|show|export FOLDER`: whether the audit log is as it was written, and what it says.

    /var/lib/barocast/audit: sound: rows 1 to 512, signed to 510
                             head 3f0c..., key 9d41...
    /var/lib/barocast/audit: BROKEN at row 388: edited: it does not fit the chain

`verify` checks every log below FOLDER and exits with 1 when one is not sound. The key that must have signed
it is the log's own, unless --key names the one that was noted when the box was set up. Nothing is written.
"""

from __future__ import annotations

import csv
import json
import sqlite3
import sys
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from barocast.plugin.audit.reading import logs_in, opened, rows, said
from barocast.plugin.audit.row import canonical
from barocast.plugin.audit.seal import KEY_BYTES, public_key
from barocast.plugin.audit.verify import verify
from barocast.plugin.output_file import open_output
from barocast.runtime.errors import InputError, SettingsError

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Iterator, Mapping
    from typing import TextIO

HELP: Final = "Verify, show or export the audit log."

_STAMP: Final = ("sequence", "wall", "t_s", "boot_id", "clock", "bed", "bundle", "bundle_sha256", "kind")
_ALARM: Final = (
    "transition",
    "condition",
    "source",
    "priority",
    "occurrence",
    "reason",
    "score",
    "threshold",
    "now_s",
)
_SHOWN: Final = ("transition", "condition", "source", "priority", "reason")


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the command line."""
    parser.add_argument("action", choices=_ACTIONS, help="what to do")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the [storage] folder, or one log's own")
    parser.add_argument("--key", help="verify: public key that must have signed; 64 hex digits, or a file")
    parser.add_argument(
        "--since", default="", metavar="TIME", help="show, export: ISO 8601, such as 2026-11-22"
    )
    parser.add_argument("--kind", help="show, export: alarm, opened, pruned, damage, ...")
    parser.add_argument("--json", action="store_true", help="show: the records, one JSON object a line")
    parser.add_argument("--format", choices=_FORMATS, default="jsonl", help="export: (default jsonl)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="export: instead of standard output")


def run(args: Namespace) -> int:
    """Do what was asked; 1 when a log is not sound. Raises InputError and SettingsError."""
    return _ACTIONS[args.action](args)


def _verify(args: Namespace) -> int:
    said_bad = 0
    for folder in logs_in(args.folder):
        key = _key(args.key, folder)
        verdict = verify(folder, key)
        if verdict.finding is None:
            print(f"{folder}: sound: rows {verdict.first} to {verdict.last}, signed to {verdict.signed_to}")
            print(f"{'':<{len(str(folder))}}  head {verdict.head.hex()}, key {key.hex()}")
            continue
        said_bad += 1
        found = verdict.finding
        print(f"{folder}: BROKEN at row {found.sequence}: {found.kind}: {found.text}", file=sys.stderr)
    return 1 if said_bad else 0


def _key(named: str | None, folder: Path) -> bytes:
    """Give the public key to check with."""
    try:
        if named is None:
            return public_key(folder)
        text = Path(named).read_text("ascii") if Path(named).is_file() else named
        key = bytes.fromhex(text)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise SettingsError(f"{named or folder}: no public key ({why}); name one with --key") from error
    if len(key) != KEY_BYTES:
        raise SettingsError(f"--key: {len(key)} bytes; a public key has {KEY_BYTES}, as 64 hex digits")
    return key


def _show(args: Namespace) -> int:
    for record in _records(args):
        print(canonical(record) if args.json else _line(record))
    return 0


def _line(record: Mapping[str, Any]) -> str:
    body = record.get("body", {})
    told = [str(body[name]) for name in _SHOWN if body.get(name)] if record.get("kind") == "alarm" else []
    words = ", ".join(told) or canonical(body)
    return (
        f"{record.get('sequence', '?'):>7}  {record.get('wall', '')}  {record.get('kind', '?'):<14}  {words}"
    )


def _export(args: Namespace) -> int:
    with open_output(args.out) as out:
        _FORMATS[args.format](_records(args), out)
    return 0


def _records(args: Namespace) -> Iterator[dict[str, Any]]:
    """Give what the asked rows say, log after log. Raises InputError where a file cannot be read."""
    for record in chain.from_iterable(map(_read, logs_in(args.folder))):
        if record.get("wall", "") >= args.since and args.kind in {None, record.get("kind")}:
            yield record


def _read(folder: Path) -> Iterator[dict[str, Any]]:
    try:
        with opened(folder) as db:
            yield from map(said, rows(db))
    except sqlite3.Error as error:
        raise InputError(f"{folder}: damaged ({error}); `barocast audit verify` says where") from error


def _as_lines(records: Iterator[dict[str, Any]], out: TextIO) -> None:
    out.writelines(canonical(record) + "\n" for record in records)


def _as_table(records: Iterator[dict[str, Any]], out: TextIO) -> None:
    table = csv.writer(out, lineterminator="\n")
    table.writerow([*_STAMP, "limits", *_ALARM, "note"])
    for record in records:
        body, alarm = record.get("body", {}), record.get("kind") == "alarm"
        stamp = [record.get(name) for name in _STAMP]
        fields = [body.get(name) if alarm else None for name in _ALARM]
        table.writerow([*stamp, json.dumps(record.get("limits")), *fields, "" if alarm else canonical(body)])


_FORMATS: Final[Mapping[str, Callable[[Iterator[dict[str, Any]], TextIO], None]]] = {
    "jsonl": _as_lines,
    "csv": _as_table,
}
_ACTIONS: Final[Mapping[str, Callable[[Namespace], int]]] = {
    "verify": _verify,
    "show": _show,
    "export": _export,
}
