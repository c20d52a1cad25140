r"""Whose messages a connection carries: one bed's, and those of another are told apart without knowing whose.

    PID|||3                PID-3.1: the patient's number      |  each kept as a salted hash of this process,
    PV1|||3^..^..          PV1-3.1 to .3: unit, room, bed     |  never logged, never told

The first bed that measures is the bed of the connection, for as long as the connection's decoder lives: a
new patient in the same place is no other bed. Where no place is told, the patient's number stands for it,
until a discharge or transfer (ADT^A03, A02) tells that this patient has gone, or somebody at the bed does
(`forget_patient`); a place never goes. A message
that tells neither passes, one that names several never does.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from barocast.runtime.decoders.hl7_message import Message, Separators

ANOTHER_BED: Final = "another bed"
"""The word of the Corrupt that such a message is."""
NAMING: Final = frozenset({"PID", "PV1"})
"""Segments that say whose a message is."""

_PARTS: Final = {"PID": 1, "PV1": 3}
"""Components of field 3 that count: PV1-3.4 may be a gateway's port, which changes."""
_MEASURING: Final = frozenset({"ORU", "ORF"})
_LEAVING: Final = frozenset({("ADT", "A02"), ("ADT", "A03")})
_NULL: Final = '""'  # HL7's explicit null
_SALT: Final = secrets.token_bytes(16)
_Hashes = frozenset[bytes]


@dataclass(frozen=True, slots=True)
class Whose:
    """Hashes of what a message names; equal for the same bed within one process, of no use beyond it."""

    places: _Hashes = frozenset()
    patients: _Hashes = frozenset()


NOBODYS: Final = Whose()


def whose(naming: Iterable[str], separators: Separators) -> Whose:
    """Read the NAMING segments of a message."""
    found: dict[str, set[bytes]] = {name: set() for name in NAMING}
    for line in naming:
        fields = [*line.split(separators.field, 4), "", "", ""]
        name, first = fields[0], fields[3].split(separators.repetition, 1)[0]
        parts = [part.strip() for part in first.split(separators.component)[: _PARTS.get(name, 0)]]
        if any(part not in ("", _NULL) for part in parts):
            found[name].add(_hash("\r".join(parts)))
    return Whose(frozenset(found["PV1"]), frozenset(found["PID"]))


def _hash(text: str) -> bytes:
    return blake2b(text.encode(errors="replace"), key=_SALT, digest_size=16).digest()


class Bed:
    """The bed of one connection."""

    def __init__(self) -> None:
        self._place: _Hashes = frozenset()
        self._patient: _Hashes = frozenset()

    def hears(self, message: Message) -> bool:
        """Say whether a message is of this bed; the first that measures makes it so."""
        said, kind = message.whose, message.kind()
        if max(len(said.places), len(said.patients)) > 1:
            return False
        if kind in _LEAVING and said.patients == self._patient:
            self._patient = frozenset()
        ours = self._is_ours(said)
        if ours and kind[0] in _MEASURING:
            self._place = self._place or said.places
            self._patient = said.patients or self._patient
        return ours

    def forget_patient(self) -> None:
        """Take the next number for that of whoever lies here: people say that it is somebody else."""
        self._patient = frozenset()

    def _is_ours(self, said: Whose) -> bool:
        if said.places and self._place:
            return said.places == self._place
        return not (said.patients and self._patient) or said.patients == self._patient
