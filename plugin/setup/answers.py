"""What the engineer answers, wherever it comes from: options, a TOML file, or questions; and what it makes.

    feed = "hl7"                                one of feeds.live_names()
    address = "tcp-listen://127.0.0.1:6661"     as transports/addresses.py reads it
    name = "OR 3"
    sound = "plughw:CARD=Device"                as `aplay -L` lists it, or wav:DIR; empty: NO SOUND
    screen = "127.0.0.1:8520"                   empty: no page
    certificate, key                            PEM files of the page; needed beyond this box
    token = true                                a token is made, without which nobody acts on the page
    storage = "/var/lib/barocast"               empty: nothing is kept

`bed_tables` and `box_tables` give a bed's file and box.toml. Raises SettingsError.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Answers:
    """Empty texts are questions that were not answered, or answered with nothing."""

    feed: str = ""
    address: str = ""
    name: str = ""
    sound: str = ""
    screen: str = ""
    certificate: str = ""
    key: str = ""
    token: bool = False
    storage: str = ""


def from_file(tables: Mapping[str, Any], name: str) -> Answers:
    """Take a file's keys; unknown ones are refused with the nearest."""
    kinds = {field.name: bool if field.name == "token" else str for field in fields(Answers)}
    for key, value in tables.items():
        if key not in kinds:
            near = difflib.get_close_matches(key, kinds, n=1, cutoff=0.0)[0]
            raise SettingsError(f"{name}: {key}: unknown; the nearest is {near!r}")
        if not isinstance(value, kinds[key]):
            raise SettingsError(f"{name}: {key}: must be a {kinds[key].__name__}, not {value!r}")
    return Answers(**tables)


def with_options(answers: Answers, args: Namespace) -> Answers:
    """Let the command line's options stand above the file's."""
    given = {field.name: getattr(args, field.name) for field in fields(Answers)}
    return replace(answers, **{key: value for key, value in given.items() if value})


def check_complete(answers: Answers) -> None:
    """Refuse what no bed can be made of."""
    for key in ("feed", "address", "name"):
        if not getattr(answers, key):
            raise SettingsError(f"--{key}: is needed; give it, or run without --non-interactive to be asked")


def bed_tables(answers: Answers, former: Mapping[str, Any]) -> dict[str, Any]:
    """Give the tables of the bed's file."""
    return _over(
        former,
        {
            "feed": {"kind": answers.feed, "address": answers.address},
            "bed": {"name": answers.name},
            "sinks": {"terminal": False, "sound_device": answers.sound},
        },
    )


def box_tables(answers: Answers, token: Path, former: Mapping[str, Any]) -> dict[str, Any]:
    """Give the tables of box.toml; `token` is where its file lies."""
    named = str(token) if answers.screen and answers.token else ""
    screen = {"address": answers.screen, "token": named}
    files = {"certificate": answers.certificate, "key": answers.key}
    return _over(former, {"screen": {**screen, **files}, "storage": {"folder": answers.storage}})


def _over(former: Mapping[str, Any], given: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Put what was answered over what stood there; what was not answered stays."""
    answered = {table: {k: v for k, v in keys.items() if v != ""} for table, keys in given.items()}
    return {
        **former,
        **{table: {**former.get(table, {}), **keys} for table, keys in answered.items() if keys},
    }
