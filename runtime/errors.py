"""Errors that reach a person: each names the file, the place and the mend.

    BarocastError            one line on stderr, exit code 2
      InputError             a file that cannot be read as what it claims to be
        PatientError         a patient file with an impossible value
      BundleError            a bundle that is refused, with its reason
      SettingsError          a configuration that cannot be meant

Corrupt bytes inside a feed are not errors but values (domain.Corrupt).
"""

from __future__ import annotations


class BarocastError(Exception):
    """The root: its text is the whole message that a person sees."""


class InputError(BarocastError):
    """A file that is missing, unreadable, or not what it claims to be."""


class PatientError(InputError):
    """A patient file whose field is unknown or out of its possible range."""


class BundleError(BarocastError):
    """A bundle that is refused before anything in it is used."""


class SettingsError(BarocastError):
    """A configuration with an unknown key or a value that cannot be meant."""
