"""What a bundle is called, who signs it, and the choices that are made for it beside the network."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from barocast.export.calibrated import CalibrationPlan
from barocast.runtime.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Release:
    """One bundle to be."""

    id: str
    key_pem: bytes
    sequence: int = 1
    """Rises with every release: a box can refuse an older one."""
    precision: str = "int8"
    """Of quantization.precisions."""
    plan: CalibrationPlan = field(default_factory=CalibrationPlan)
    crossval: dict[str, Any] | None = None
    """Figures of `train crossval`, for the card."""

    def __post_init__(self) -> None:
        if self.sequence < 1:
            raise SettingsError(f"--sequence {self.sequence}: must be 1 or more, and rise with every release")

    def options(self) -> str:
        """Give the words of the command that ask for it, each with a space before it."""
        usual = Release(self.id, self.key_pem)
        given = ((name, getattr(self, name), getattr(usual, name)) for name in ("sequence", "precision"))
        said = "".join(f" --{name} {value}" for name, value, default in given if value != default)
        return f" --id {self.id}{said}{self.plan.options()}"


def read_or_make_key(path: Path | None) -> bytes:
    """Give a private key (PEM) from `path`, made there when missing; without a path, one for this run.

    Raises SettingsError.
    """
    try:
        if path is not None and path.is_file():
            return path.read_bytes()
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(pem)
    except OSError as error:
        raise SettingsError(
            f"{path}: the signing key cannot be read or made there ({error.strerror}); name another file"
        ) from error
    return pem
