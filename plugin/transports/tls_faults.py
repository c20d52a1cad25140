"""Why a TLS connection did not come about: what OpenSSL says, to a sentence with the file and the mend."""

from __future__ import annotations

import ssl
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from barocast.plugin.transports.credentials import Credentials

_UNTRUSTED: Final = "its certificate is signed by nobody in {ca}; add the CA that signed it"
_MISNAMED: Final = "its certificate is not for {peer}; write a name that it has in [feed.tls] peer"
_DISTRUSTED: Final = "does not believe {certificate}; have the CA that signed it believed there"
_REFUSED: Final = "refuses {certificate}; its own log says why"
_PLAIN: Final = "does not speak TLS there; is that the TLS port?"
_OLD: Final = "speaks no TLS from 1.2 on; bring it up to date"
_CIPHERS: Final = "has no cipher that is safe; it needs ECDHE or DHE with AES-GCM"
_BARE: Final = "shows no certificate; give it one that {ca} signed, or set [feed.tls] mutual = false"
_WANTED: Final = "wants a certificate of ours; name one in [feed.tls] certificate"

_VERIFY: Final[Mapping[int, str]] = MappingProxyType(
    {
        9: "its certificate is not valid yet; is this box's clock right?",
        10: "its certificate, or a CA of it in {ca}, has expired; have it renewed, or set this box's clock",
        18: _UNTRUSTED,
        19: _UNTRUSTED,
        20: _UNTRUSTED,
        21: _UNTRUSTED,
        26: "its certificate is not made for this end of TLS; have clientAuth or serverAuth added to it",
        62: _MISNAMED,
        64: _MISNAMED,
    }
)
"""X509_V_ERR_* of OpenSSL (x509_vfy.h): what we have against its certificate."""
_REASONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "PEER_DID_NOT_RETURN_A_CERTIFICATE": _BARE,
        "TLSV1_ALERT_UNKNOWN_CA": _DISTRUSTED,
        "SSLV3_ALERT_CERTIFICATE_EXPIRED": "finds {certificate} expired; renew it, or set the clock there",
        "SSLV3_ALERT_BAD_CERTIFICATE": _REFUSED,
        "SSLV3_ALERT_CERTIFICATE_UNKNOWN": _REFUSED,
        "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": _REFUSED,
        "SSLV3_ALERT_CERTIFICATE_REVOKED": _REFUSED,
        "TLSV1_ALERT_ACCESS_DENIED": _REFUSED,
        "TLSV13_ALERT_CERTIFICATE_REQUIRED": _WANTED,
        "SSLV3_ALERT_HANDSHAKE_FAILURE": "has nothing in common with us, or " + _WANTED,
        "WRONG_VERSION_NUMBER": _PLAIN,
        "RECORD_LAYER_FAILURE": _PLAIN,
        "PACKET_LENGTH_TOO_LONG": _PLAIN,
        "HTTP_REQUEST": _PLAIN,
        "UNSUPPORTED_PROTOCOL": _OLD,
        "TLSV1_ALERT_PROTOCOL_VERSION": _OLD,
        "NO_SHARED_CIPHER": _CIPHERS,
    }
)
"""SSLError.reason: what came as an alert, or did not fit."""


def why(error: Exception, credentials: Credentials, peer: str) -> str:
    """Say why the other end, which must be `peer`, and we do not come together."""
    files = {"ca": credentials.ca, "certificate": credentials.certificate or "us", "peer": peer}
    if isinstance(error, ssl.SSLCertVerificationError):
        return _VERIFY.get(error.verify_code, f"its certificate: {error.verify_message}").format_map(files)
    if isinstance(error, TimeoutError) and error.errno is None:
        return f"does not answer the TLS handshake; {_PLAIN.partition('; ')[2]}"
    if isinstance(error, ssl.SSLEOFError | ConnectionResetError | BrokenPipeError):
        return "hung up during the TLS handshake; its own log says why"
    reason = getattr(error, "reason", None) or ""
    return _REASONS.get(reason, f"TLS failed: {reason or error}").format_map(files)
