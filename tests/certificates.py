"""Certificates made for a test: an authority in a folder, and what it signs."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from barocast.plugin.transports.credentials import Credentials

if TYPE_CHECKING:
    from pathlib import Path

DAY = timedelta(days=1)
END_ENTITY = x509.BasicConstraints(ca=False, path_length=None)


def key_pem(key: ec.EllipticCurvePrivateKey, password: bytes = b"") -> bytes:
    """A private key as PEM, encrypted when there is a password."""
    locked = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)


class Authority:
    """A CA whose own certificate is `file`."""

    def __init__(self, folder: Path, name: str = "hospital-ca") -> None:
        self.folder, self.name = folder, name
        self.file = folder / f"{name}.pem"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.file.write_bytes(
            self.signed(name, self._key, (-1, 30), x509.BasicConstraints(ca=True, path_length=None))
        )

    def issue(
        self,
        name: str,
        names: tuple[str, ...] = ("127.0.0.1", "localhost"),
        days: tuple[float, float] = (-1, 30),
        ca: Authority | None = None,
    ) -> Credentials:
        """What an end called `name` needs: its certificate is for `names`; it believes `ca`, or this one."""
        key = ec.generate_private_key(ec.SECP256R1())
        shown = x509.SubjectAlternativeName([_general_name(n) for n in names])
        certificate, key_file = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate.write_bytes(self.signed(name, key, days, shown))
        key_file.write_bytes(key_pem(key))
        return Credentials(str(certificate), str(key_file), str((ca or self).file))

    def signed(self, name, key, days, extension=END_ENTITY) -> bytes:
        """A certificate as PEM."""
        now = datetime.now(timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + days[0] * DAY)
            .not_valid_after(now + days[1] * DAY)
            .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        )
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
