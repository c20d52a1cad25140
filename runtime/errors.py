"""Errors that reach a person: each names the file, the place and the mend.

    BarocastError            one line on stderr, exit code 2
      InputError             a file that cannot be read as what it claims to be
        PatientError         a patient file with an impossible value
      BundleError            a bundle that is refused, with its reason
      EngineUnavailable      an engine that cannot run here, with its reason: another one may
      SettingsError          a configuration that cannot be meant

Corrupt bytes inside a feed are not errors but values (domain.Corrupt).
"""

from __future__ import annotations

from enum import Enum


class BarocastError(Exception):
    """The root: its text is the whole message that a person sees."""


class InputError(BarocastError):
    """A file that is missing, unreadable, or not what it claims to be."""


class PatientError(InputError):
    """A patient file whose field is unknown or out of its possible range."""


class Refused(str, Enum):
    """Why a bundle is refused: a word for a log or a script, where the text is for a person."""

    MISSING = "missing"
    LINK = "link"
    EXTRA = "extra"
    UNREADABLE = "unreadable"
    TOO_LARGE = "too-large"
    SIGNATURE = "signature"
    REVOKED = "revoked"
    DOWNGRADE = "downgrade"
    HASH = "hash"
    MANIFEST = "manifest"
    TOKENIZER = "tokenizer"
    KNOWN_ANSWERS = "known-answers"
    GRAPH = "graph"
    ANSWERS = "answers"
    ENGINE = "engine"
    QUALITY = "quality"

    def __str__(self) -> str:
        """Print the word, on every Python alike."""
        return self.value


class BundleError(BarocastError):
    """A bundle that is refused before anything in it is used."""

    def __init__(self, text: str, code: Refused) -> None:
        super().__init__(text, code)
        self.code = code

    def __str__(self) -> str:
        """Print the text alone."""
        return str(self.args[0])


class EngineUnavailable(BarocastError):  # noqa: N818 - a state of this machine, not a mistake of anyone's
    """An engine that cannot run here: its text says which library, GPU or provider is missing."""


class SettingsError(BarocastError):
    """A configuration with an unknown key or a value that cannot be meant."""
