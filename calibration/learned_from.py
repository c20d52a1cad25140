"""Whose patients taught a bundle what: written into its manifest, so that a validation can refuse them.

A patient's role is a hash of the subject id, the same in every folder and on every machine, so that no list
of patients is kept anywhere. `uses` says which roles went into the weights, the calibrator and the operating
point; only a role that no use names may be judged.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class LearnedFrom:
    """The record. Raises ValueError where the edges are no partition or a use names no role."""

    source: str
    """The hospital or database: subject ids of another source are other people."""
    salt: str
    """In front of the subject id, so that the split is this record's own."""
    roles: tuple[tuple[str, float], ...]
    """(role, upper edge of the subject's hash), rising to 1."""
    uses: Mapping[str, tuple[str, ...]]
    """What was learned -> the roles it was learned from."""

    def __post_init__(self) -> None:
        edges = [edge for _, edge in self.roles]
        if not edges or sorted(edges) != edges or edges[-1] != 1.0 or edges[0] < 0:
            raise ValueError(f"learned_from roles {self.roles} must rise to 1")
        unknown = {role for roles in self.uses.values() for role in roles} - {role for role, _ in self.roles}
        if unknown:
            raise ValueError(f"learned_from uses a role {min(unknown)!r} that it does not define")

    def role_of(self, subject_id: str) -> str:
        """Give the patient's role: always the same for the same patient."""
        place = hash_share(f"{self.salt}:{subject_id}")
        return next(role for role, upper in self.roles if place < upper)

    def taught(self, source: str, subject_id: str) -> tuple[str, ...]:
        """Give what this patient taught, sorted; nothing for a patient of another source."""
        if source != self.source:
            return ()
        role = self.role_of(subject_id)
        return tuple(sorted(use for use, roles in self.uses.items() if role in roles))

    def to_dict(self) -> dict[str, Any]:
        """Give what the manifest holds."""
        return {
            "source": self.source,
            "salt": self.salt,
            "roles": [list(role) for role in self.roles],
            "uses": {use: list(roles) for use, roles in self.uses.items()},
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> LearnedFrom:
        """Read what the manifest holds. Raises AttributeError, KeyError, TypeError or ValueError."""
        return cls(
            source=str(given["source"]),
            salt=str(given["salt"]),
            roles=tuple((str(role), float(upper)) for role, upper in given["roles"]),
            uses=MappingProxyType({str(use): tuple(roles) for use, roles in given["uses"].items()}),
        )


def hash_share(text: str) -> float:
    """Give a number in [0, 1) that depends on the text alone."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big") / 2**48
