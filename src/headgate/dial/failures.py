"""Why no connection could be opened, and what mends it."""

import os
import socket
import ssl

EXPIRED = "tls: the certificate is not valid at this time"
WRONG_HOST = "tls: the certificate is for another host"
UNTRUSTED = "tls: no trusted authority has signed the certificate"
NO_PROOF = "tls: our own certificate is not accepted"
BROKEN_OFF = "tls: the provider breaks the handshake off"
BARRED = "connect: the name leads to addresses that are not permitted"
PROXY_DENIES = "proxy: 407"
PROXY = "proxy: "

_FIXES = {
    EXPIRED: "The provider renews its certificate, or the operator sets this machine's clock.",
    WRONG_HOST: "`base_url` has to name the host that the certificate is for.",
    UNTRUSTED: "The operator gives the PEM file of its authority as `ca_file`.",
    NO_PROOF: "The operator gives `client_cert` and `client_key`, issued by the provider.",
    BROKEN_OFF: "It may want a certificate of ours (`client_cert`), or share no version of TLS.",
    BARRED: "The operator finds out who answers for the name, or sets the provider's `addresses`.",
    PROXY_DENIES: "The operator gives the proxy's `proxy_credential`.",
}
# Numbers of OpenSSL's: https://docs.openssl.org/master/man3/X509_STORE_CTX_get_error/.
_VERIFY = {9: EXPIRED, 10: EXPIRED, 62: WRONG_HOST, 63: WRONG_HOST, 64: WRONG_HOST}
_UNTRUSTED = frozenset({2, 18, 19, 20, 21, 24, 27, 28})
_PROOF_WANTED = (
    *("CERTIFICATE_REQUIRED", "ALERT_BAD_CERTIFICATE"),
    *("ALERT_UNKNOWN_CA", "ALERT_CERTIFICATE_EXPIRED", "ALERT_CERTIFICATE_UNKNOWN"),
)


class DialError(Exception):
    """No connection could be opened, so certainly no byte of a request was sent.

    Attributes:
        reason: Why, in a few words; its first word is `connect`, `tls` or `proxy`.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def fix_of(reason: str) -> str:
    """Return a sentence about what mends it, empty when nothing is known that does."""
    return _FIXES.get(reason, "")


def is_refusal_of_proxy(reason: str) -> bool:
    """Tell whether a proxy was reached and answered with a status that is no success."""
    return reason.startswith(PROXY) and reason.removeprefix(PROXY).isdigit()


def tls_reason(error: ssl.SSLError) -> str:
    """Say why a handshake failed."""
    if isinstance(error, ssl.SSLCertVerificationError):
        number = error.verify_code
        known = _VERIFY.get(number) or (UNTRUSTED if number in _UNTRUSTED else None)
        return known or f"tls: {error.verify_message}"
    reason = str(error.reason or error.args[-1])
    if reason.endswith(_PROOF_WANTED):
        return NO_PROOF
    return BROKEN_OFF if reason.endswith("ALERT_HANDSHAKE_FAILURE") else f"tls: {reason}"


def unproved(error: Exception | None) -> str | None:
    """Say why the other end has refused a handshake that was over for us, None when it has not.

    It does so for want of a certificate of ours, before it reads anything.
    """
    reason = tls_reason(error) if isinstance(error, ssl.SSLError) else None
    return reason if reason in (NO_PROOF, BROKEN_OFF) else None


def connect_reason(error: OSError) -> str:
    """Say why no connection came about, in the system's words."""
    if isinstance(error, socket.gaierror) or not error.errno:
        return f"connect: {error.strerror or type(error).__name__}"
    return f"connect: {os.strerror(error.errno)}"
