"""A model whose engine answers in the test's own process."""

from __future__ import annotations

from pathlib import Path

from barocast.plugin.service.model import Model
from barocast.runtime.bundle import read_bundle
from barocast.runtime.engines import OrtEngine
from barocast.runtime.trust import trusted_keys


def in_process(settings, trouble=lambda: ""):
    """Read the bundle of [model] settings, and run it here."""
    bundle = read_bundle(Path(settings.bundle), trusted_keys(Path(settings.trust)).values())
    return Model(bundle, OrtEngine(bundle), trouble, lambda: True, lambda: None)
