"""What one end of a TLS line shows, and whom it believes: PEM files to an ssl context.

Both ends show a certificate unless the site says otherwise. TLS 1.2 with forward secrecy and AES-GCM or
ChaCha20 at least, no renegotiation; TLS 1.3 where the other end has it.
A certificate is believed when a CA of the file signed it, or when it stands in the file itself.

Every function raises SettingsError naming the file and the mend. Files are read anew for each connection,
so that a renewed certificate needs no restart.

Source: IHE ITI TF-2 3.19 (Authenticate Node, "BCP195 TLS secure transport connection"); RFC 9325.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Final

from cryptography import x509

from barocast.runtime.errors import SettingsError

CIPHERS: Final = "@SECLEVEL=2:ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM"
"""Of TLS 1.2: RFC 9325, part 4.2; all suites of TLS 1.3 are good. Level 2: RSA from 2048 bits, no SHA-1."""
_FOREIGN_KEYS: Final = frozenset(("KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH"))
_WEAK: Final = frozenset(("EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK"))


@dataclass(frozen=True, slots=True)
class Credentials:
    """The table [feed.tls]; texts are paths of PEM files unless they say otherwise."""

    certificate: str = ""
    """Ours, and after it those between it and its CA, if there are any."""
    key: str = ""
    """Its private key, not encrypted; empty: it stands in the file of the certificate."""
    ca: str = ""
    """Whose signature makes us believe the other end's certificate."""
    peer: str = ""
    """Name or IP address, no path: what the other end's certificate must be for. Empty: where we call, the
    address's host; where we are called, whatever the CA has signed."""
    mutual: bool = True
    """Both ends show a certificate; false: only the one that is called."""


def check_complete(credentials: Credentials, *, called: bool) -> None:
    """Refuse credentials without a file that they need; `called`: the other end calls us."""
    if (called or credentials.mutual) and not credentials.certificate:
        raise SettingsError("[feed.tls] certificate: is needed; name the PEM file that this box shows")
    if (not called or credentials.mutual) and not credentials.ca:
        raise SettingsError("[feed.tls] ca: is needed; name the PEM file of who signs the other end")
    if called and credentials.peer and not credentials.mutual:
        raise SettingsError("[feed.tls] peer: nobody who calls shows a certificate; leave mutual = false out")
    if credentials.key and not credentials.certificate:
        raise SettingsError("[feed.tls] key: has no certificate; name that too")


def tls_context(credentials: Credentials, *, called: bool) -> ssl.SSLContext:
    """Give the context of one end; `called`: the other end calls us."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if called else ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    if credentials.certificate:
        _show(context, credentials)
    if credentials.ca:
        _believe(context, credentials.ca)
    if called and credentials.mutual:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def check_dates(credentials: Credentials, now_s: float) -> None:
    """Refuse a certificate of ours that is not valid at `now_s`, seconds since 1970."""
    if not credentials.certificate:
        return
    own, now = _certificate(credentials.certificate), datetime.fromtimestamp(now_s, timezone.utc)
    if now < own.not_valid_before_utc:
        raise SettingsError(
            f"{credentials.certificate}: not valid before {own.not_valid_before_utc:%Y-%m-%d %H:%M} UTC; "
            f"this box's clock says {now:%Y-%m-%d %H:%M}: set it"
        )
    if now > own.not_valid_after_utc:
        raise SettingsError(
            f"{credentials.certificate}: expired on {own.not_valid_after_utc:%Y-%m-%d %H:%M} UTC; "
            "put a renewed one there"
        )


def _read(path: str, key: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise SettingsError(
            f"{path}: cannot be read ({error.strerror}); name a PEM file in [feed.tls] {key}"
        ) from error


def _certificate(path: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(_read(path, "certificate"))
    except ValueError as error:
        raise SettingsError(
            f"{path}: holds no PEM certificate; name one in [feed.tls] certificate"
        ) from error


def _show(context: ssl.SSLContext, credentials: Credentials) -> None:
    _certificate(credentials.certificate)
    key = credentials.key or credentials.certificate
    _read(key, "key")
    asked: list[str] = []

    def no_password() -> str:  # without it OpenSSL would ask the terminal, and wait
        asked.append(key)
        return ""

    try:
        context.load_cert_chain(credentials.certificate, key, no_password)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{key}: {_key_fault(error, credentials, encrypted=bool(asked))}") from error


def _key_fault(error: Exception, credentials: Credentials, *, encrypted: bool) -> str:
    if encrypted:
        return "is encrypted, and nobody is there to type; store it plain, readable by the service only"
    reason = getattr(error, "reason", None) or "unreadable"
    if reason in _WEAK:
        return f"and {credentials.certificate} are too weak ({reason}); make them anew, RSA 2048 or P-256"
    if reason in _FOREIGN_KEYS:
        return f"is not the key of {credentials.certificate}; name the two that were made together"
    return f"gives no key for {credentials.certificate} ({reason}); name a PEM private key in [feed.tls] key"


def _believe(context: ssl.SSLContext, ca: str) -> None:
    try:
        context.load_verify_locations(cadata=_read(ca, "ca").decode("ascii", "ignore"))
    except (ssl.SSLError, ValueError) as error:
        raise SettingsError(
            f"{ca}: holds no PEM certificate; name the CA's certificate in [feed.tls] ca"
        ) from error
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
