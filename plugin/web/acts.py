"""The body of a POST to an act, checked: bytes -> Act, or BadActError with a line for who sent it.

    acknowledge {"occurrence": 7 | null}    pause-audio {"seconds": 120}    resume-audio {}    audio-off {}
    pause-alarms {"seconds": 300}           resume-alarms {}
    admit {"patient": {...}}                describe {"patient": {...}}     discharge {}

An empty body means {}. `patient` is the patient file of the design; runtime/patient_file.py reads it.
Unknown fields are refused: an act with a slip in it must not be another act.
"""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from barocast.plugin.desk import Admit, Describe, Discharge
from barocast.runtime.alarm.events import (
    Acknowledge,
    AudioOff,
    PauseAlarms,
    PauseAudio,
    ResumeAlarms,
    ResumeAudio,
)
from barocast.runtime.errors import PatientError
from barocast.runtime.patient_file import parse_patient

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from barocast.plugin.desk import Act
    from barocast.runtime.domain import Patient

MOST_BODY: Final = 256 * 1024
"""Bytes of a request; a patient with long notes takes a few thousand."""


class BadActError(Exception):
    """A body that is no act; the text says why, in one line."""


def read_act(name: str, body: bytes) -> Act:
    """Read the body of the act `name`, one of ACTS. Raises BadActError."""
    fields, make = ACTS[name]
    given = read_object(body, fields)
    try:
        return make(given)
    except (PatientError, ValueError, OverflowError) as error:
        raise BadActError(str(error)) from error


def read_object(body: bytes, fields: tuple[str, ...]) -> Mapping[str, Any]:
    """Read a JSON object that has no other fields than these. Raises BadActError."""
    try:
        given = json.loads(body or b"{}", object_pairs_hook=_once, parse_constant=_no_number)
    except BadActError:
        raise
    except (ValueError, RecursionError) as error:
        raise BadActError(f"the body is not JSON: {str(error)[:80]}") from error
    if not isinstance(given, dict):
        raise BadActError('the body must be an object, as {"seconds": 120}')
    for field in given:
        if field not in fields:
            raise BadActError(f"unknown field {field[:40]!r}; {_offered(fields)}")
    return given


def _offered(fields: tuple[str, ...]) -> str:
    return f"there may be {', '.join(fields)}" if fields else "this act takes none"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise BadActError("a field stands twice; keep one")
    return table


def _no_number(word: str) -> float:
    raise BadActError(f"{word} is not a number")


def _seconds(given: Mapping[str, Any]) -> float:
    value = given.get("seconds")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadActError('"seconds" must be a number, as {"seconds": 120}')
    return float(value)


def _acknowledge(given: Mapping[str, Any]) -> Acknowledge:
    occurrence = given.get("occurrence")
    if occurrence is not None and (isinstance(occurrence, bool) or not isinstance(occurrence, int)):
        raise BadActError('"occurrence" must be the number of one, or null for every one shown')
    return Acknowledge(occurrence)


def _patient(given: Mapping[str, Any]) -> Patient:
    return parse_patient(json.dumps(given.get("patient")), "patient")


ACTS: Final[Mapping[str, tuple[tuple[str, ...], Callable[[Mapping[str, Any]], Act]]]] = MappingProxyType(
    {
        "acknowledge": (("occurrence",), _acknowledge),
        "pause-audio": (("seconds",), lambda given: PauseAudio(_seconds(given))),
        "resume-audio": ((), lambda _: ResumeAudio()),
        "audio-off": ((), lambda _: AudioOff()),
        "pause-alarms": (("seconds",), lambda given: PauseAlarms(_seconds(given))),
        "resume-alarms": ((), lambda _: ResumeAlarms()),
        "admit": (("patient",), lambda given: Admit(_patient(given))),
        "describe": (("patient",), lambda given: Describe(_patient(given))),
        "discharge": ((), lambda _: Discharge()),
    }
)
"""Path -> the fields that its body may have, and how they become an act."""
