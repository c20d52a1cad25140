r"""Tables to TOML 1.0 text: what a configuration holds, which is texts, numbers, truths, lists and tables.

    {"feed": {"kind": "hl7"}}  ->  '[feed]\nkind = "hl7"\n'

Plain keys come before tables, as TOML wants it; comments are nobody's, so none come out. Raises SettingsError
for what a configuration cannot hold (a date, a list of tables).

Source: toml.io/en/v1.0.0.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any, Final

from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def toml_text(tables: Mapping[str, Any]) -> str:
    """Give the text, with a blank line before each table."""
    return "\n".join(_lines(tables, ())).strip("\n") + "\n"


def _lines(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    plain = {key: value for key, value in table.items() if not isinstance(value, dict)}
    if path and (plain or not table):
        yield f"\n[{'.'.join(map(_key, path))}]"
    for key, value in plain.items():
        yield f"{_key(key)} = {_value(value, '.'.join((*path, key)))}"
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _lines(value, (*path, key))


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _text(key)


def _value(value: object, place: str) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else f"{value:g}"
    if isinstance(value, list):
        return f"[{', '.join(_value(each, place) for each in value)}]"
    raise SettingsError(f"{place}: a configuration holds no {type(value).__name__}; take it out")


def _text(text: str) -> str:
    """Quote as JSON does, whose escapes TOML shares; it alone forbids a bare DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
