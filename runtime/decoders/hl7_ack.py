r"""What a receiver answers to a message of ours: its MSA segment, and the words of its ERR.

    MSH|^~\&|...  CR  MSA|AA|control id|text  CR  ERR|||207^...||||diagnostics|words for a user  CR

MSA-1: AA, CA accepted; AE, CE error; AR, CR rejected (HL7 table 0008). Whatever else is in the message is
left unread. Blocks without an MSA, or with another word in it, are no answer.

Source: HL7 2.6 chapter 2.15.8 (MSA), 2.15.5 (ERR).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from barocast.runtime.decoders.hl7_message import FALLBACK

MAX_ANSWER: Final = 1 << 14
"""Bytes that are looked at; real answers have some 200."""
MAX_WORDS: Final = 120
"""Characters of the receiver's own words that are shown."""
_ACCEPTED: Final = frozenset({"AA", "CA"})
_WORDS: Final = _ACCEPTED | {"AE", "CE", "AR", "CR"}


@dataclass(frozen=True, slots=True)
class Answer:
    """One acknowledgement."""

    code: str
    """MSA-1."""
    control_id: str
    """MSA-2: which message it answers; empty where the receiver could not read that."""
    words: str
    """Why not, in the receiver's words; may be empty."""

    @property
    def accepted(self) -> bool:
        """Whether the message has arrived."""
        return self.code in _ACCEPTED


def read_answer(payload: bytes) -> Answer | None:
    """Read one MLLP block; None where it holds no acknowledgement."""
    said = payload[:MAX_ANSWER].decode(FALLBACK)
    bar = said.lstrip()[3:4]
    segments: dict[str, list[str]] = {}
    for line in re.split(r"[\r\n]+", said):
        fields = [field.strip() for field in line.split(bar)] if bar else []
        segments.setdefault("".join(fields[:1]), [*fields, *[""] * 9])
    msa, err = segments.get("MSA"), segments.get("ERR", [""] * 9)
    if msa is None or msa[1].upper() not in _WORDS:
        return None
    words = msa[3] or err[8] or err[7] or err[3]
    return Answer(msa[1].upper(), msa[2], "".join(filter(str.isprintable, words))[:MAX_WORDS])
