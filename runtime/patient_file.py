"""The patient file: JSON text to a Patient. Every field may be missing; what is there must be possible.

    {"age_years": 67, "sex": "F", "height_cm": 162, "weight_kg": 71, "asa": 3, "emergency": false,
     "department": ..., "procedure": ..., "diagnosis": ..., "approach": ..., "position": ...,
     "anaesthesia": ..., "history": ["hypertension"], "labs": {"hb_g_dl": 11.2},
     "notes": {"assessment": "..."}}
null means missing. An unknown field, a wrong type or an impossible value raises PatientError with file,
field, value and range. Free text is cut: MAX_TEXT characters in a field, MAX_NOTE in a note; control
characters become blanks. A lab that LABS does not know is taken as it is, unless it looks like a slip of
one it knows (`hb_g_l`): units hide in the names.
"""

from __future__ import annotations

import difflib
import json
import math
from operator import itemgetter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

from barocast.runtime.domain import Patient
from barocast.runtime.errors import PatientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAX_FILE = 1 << 20
"""Characters; a patient file has a few thousand."""
MAX_TEXT = 200
"""Characters of a short field or a history entry."""
MAX_NOTE = 4000
"""Characters of one note: more than the model's text input can hold."""
MAX_ENTRIES = 64
"""Entries in history, labs or notes."""

RANGES = MappingProxyType(
    {"age_years": (0.0, 120.0), "height_cm": (20.0, 250.0), "weight_kg": (0.3, 400.0), "asa": (1.0, 6.0)}
)
"""What a person can be, in the field's unit."""

LABS = MappingProxyType(
    {
        "albumin_g_dl": (0.5, 7.0),
        "alt_u_l": (0.0, 20_000.0),
        "aptt_s": (10.0, 250.0),
        "ast_u_l": (0.0, 20_000.0),
        "base_excess_mmol_l": (-40.0, 40.0),
        "bicarbonate_mmol_l": (1.0, 70.0),
        "bun_mg_dl": (1.0, 300.0),
        "creatinine_mg_dl": (0.1, 30.0),
        "glucose_mg_dl": (10.0, 2000.0),
        "hb_g_dl": (2.0, 26.0),
        "inr": (0.5, 20.0),
        "k_mmol_l": (1.0, 10.0),
        "lactate_mmol_l": (0.1, 40.0),
        "na_mmol_l": (90.0, 200.0),
        "paco2_mmhg": (5.0, 200.0),
        "pao2_mmhg": (10.0, 700.0),
        "ph": (6.5, 8.0),
        "platelets_10e9_l": (1.0, 3000.0),
        "pt_s": (5.0, 200.0),
        "wbc_10e9_l": (0.0, 500.0),
    }
)
"""Lab -> what a living patient can have, in the unit of its name."""

_SEXES = ("F", "M")
_SLIP = 0.9  # similarity from which an unknown lab is taken for a slip of a known one


class _File:
    """The reader of one file: knows its name, for the errors."""

    def __init__(self, name: str) -> None:
        self._name = name

    def refuse(self, field: str, what: str) -> NoReturn:
        """Raise the one error."""
        raise PatientError(f"{self._name}: {_one_line(field)[:60]}: {what}")

    def number(self, field: str, value: object) -> float:
        """Take a finite number; booleans and texts are none."""
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self.refuse(field, f"{_shown(value)} is not a number; give one, or null when unknown")
        return float(value)

    def within(self, field: str, value: object, low: float, high: float) -> float:
        """Take a number in [low, high]."""
        number = self.number(field, value)
        if not low <= number <= high:
            self.refuse(field, f"{number:g} cannot be; it must be between {low:g} and {high:g}")
        return number

    def measure(self, field: str, value: object) -> float:
        """Take one of RANGES."""
        return self.within(field, value, *RANGES[field])

    def asa(self, field: str, value: object) -> int:
        """Take a whole number."""
        number = self.measure(field, value)
        if number != int(number):
            self.refuse(field, f"{number:g} is not a whole number; ASA status is 1 to 6")
        return int(number)

    def flag(self, field: str, value: object) -> bool:
        """Take true or false."""
        if not isinstance(value, bool):
            self.refuse(field, f"{_shown(value)} is neither true nor false")
        return value

    def sex(self, field: str, value: object) -> str:
        """Take F or M."""
        if value not in _SEXES:
            self.refuse(field, f'{_shown(value)} is not one of "F", "M" or null')
        return str(value)

    def text(self, field: str, value: object, longest: int = MAX_TEXT) -> str:
        """Take a text, cut."""
        if not isinstance(value, str):
            self.refuse(field, f"{_shown(value)} is not a text; put it in quotes")
        return _one_line(value).strip()[:longest]

    def history(self, field: str, value: object) -> tuple[str, ...]:
        """Take a list of texts."""
        if not isinstance(value, list):
            self.refuse(field, f'{_shown(value)} is not a list; write ["hypertension", ...]')
        self._few(field, value)
        return tuple(self.text(f"{field}[{at}]", entry) for at, entry in enumerate(value))

    def labs(self, field: str, value: object) -> tuple[tuple[str, float], ...]:
        """Take a table of numbers, those of LABS within their ranges."""
        return tuple(
            (lab, self._lab(f"{field}.{lab}", lab, number))
            for lab, number in self._table(field, value)
            if number is not None
        )

    def notes(self, field: str, value: object) -> tuple[tuple[str, str], ...]:
        """Take a table of free texts."""
        return tuple(
            (section, self.text(f"{field}.{section}", text, MAX_NOTE))
            for section, text in self._table(field, value)
            if text is not None
        )

    def _lab(self, field: str, lab: str, value: object) -> float:
        if lab in LABS:
            return self.within(field, value, *LABS[lab])
        near = difflib.get_close_matches(lab, LABS, n=1, cutoff=_SLIP)
        if near:
            self.refuse(field, f"unknown lab; did you mean {near[0]}?")
        return self.number(field, value)

    def _table(self, field: str, value: object) -> list[tuple[str, object]]:
        if not isinstance(value, dict):
            self.refuse(field, f'{_shown(value)} is not a table; write {{"name": value, ...}}')
        self._few(field, value)
        table = {self.text(field, key): entry for key, entry in value.items()}
        if len(table) < len(value) or "" in table:
            self.refuse(field, "an entry without a name, or two with one; name each")
        return sorted(table.items(), key=itemgetter(0))

    def _few(self, field: str, value: list[object] | dict[str, object]) -> None:
        if len(value) > MAX_ENTRIES:
            self.refuse(field, f"{len(value)} entries; keep at most {MAX_ENTRIES}")


_READERS: MappingProxyType[str, Callable[[_File, str, object], object]] = MappingProxyType(
    {
        "age_years": _File.measure,
        "sex": _File.sex,
        "height_cm": _File.measure,
        "weight_kg": _File.measure,
        "asa": _File.asa,
        "emergency": _File.flag,
        **dict.fromkeys(
            ("department", "procedure", "diagnosis", "approach", "position", "anaesthesia"), _File.text
        ),
        "history": _File.history,
        "labs": _File.labs,
        "notes": _File.notes,
    }
)


def parse_patient(text: str, name: str) -> Patient:
    """Read a patient file's text; `name` is what errors call it. Raises PatientError."""
    file = _File(name)
    if len(text) > MAX_FILE:
        file.refuse("file", f"{len(text)} characters; a patient file has at most {MAX_FILE}")
    fields = _parsed(file, text.removeprefix("\ufeff"))
    for field in fields:
        if field not in _READERS:
            file.refuse(field, f"unknown field; {_mend(field, _READERS)}")
    given: dict[str, Any] = {
        field: _READERS[field](file, field, value) for field, value in fields.items() if value is not None
    }
    return Patient(**given)


def _parsed(file: _File, text: str) -> dict[str, object]:
    def once(pairs: list[tuple[str, object]]) -> dict[str, object]:
        table = dict(pairs)
        if len(table) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            file.refuse(twice, "stands twice; keep one")
        return table

    try:
        fields = json.loads(text, object_pairs_hook=once, parse_int=float)
    except json.JSONDecodeError as error:
        file.refuse(f"line {error.lineno}, column {error.colno}", f"not JSON: {error.msg}; correct the file")
    except (RecursionError, ValueError) as error:  # nested or numbered beyond what any patient needs
        file.refuse("file", f"not a patient: {str(error)[:80]}; correct the file")
    if not isinstance(fields, dict):
        file.refuse("file", 'not a table of fields; write {"age_years": 67, ...}')
    return fields


def _mend(field: str, known: Iterable[str]) -> str:
    begun = [name for name in known if field and name.startswith(field)]  # `age` for `age_years`
    near = [*begun, *difflib.get_close_matches(field, list(known), n=1)]
    return f"did you mean {near[0]}?" if near else f"the fields are {', '.join(known)}"


def _one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)


def _shown(value: object) -> str:
    return repr(value)[:60]
