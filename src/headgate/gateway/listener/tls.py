"""TLS: what handshakes with clients go by."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headgate.gateway.settings import Tls
from headgate.units.errors import HeadgateError

Stamp = tuple[tuple[int, int, int] | None, ...]
"""What tells whether files were changed: time, size and inode of each; None for a missing one."""


class TlsError(HeadgateError):
    """Certificate, key or authorities cannot be used; the message is sentences without secrets."""


def server_context(tls: Tls) -> ssl.SSLContext:
    """Return what handshakes with clients go by: TLS 1.2 or later, for HTTP/1.1.

    Raises:
        TlsError: A file cannot be read, is no PEM, has a password, or key and certificate do not
            belong together; all that is wrong is told.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.set_alpn_protocols(["http/1.1"])
    wrong: list[str] = []
    with _noting(f"{tls.certificate} with {tls.key}", wrong):
        # With a password given nobody is asked for one on a terminal.
        context.load_cert_chain(tls.certificate, tls.key, password="")
    if tls.client_ca is not None:
        with _noting(tls.client_ca, wrong):
            context.load_verify_locations(tls.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    if wrong:
        raise TlsError(" ".join(wrong))
    return context


@contextmanager
def _noting(what: str, wrong: list[str]) -> Iterator[None]:
    """Note why a file cannot be used."""
    try:
        yield
    except OSError as error:
        # OpenSSL's own errors are of this class as well; one of a system call has a name.
        why = error.strerror or str(error)
        reason = error.reason if isinstance(error, ssl.SSLError) else None
        wrong.append(f"{what} cannot be used: {reason or why}.")


def stamp(tls: Tls) -> Stamp:
    """Return what changes when one of the files does."""
    return tuple(_stamp(path) for path in (tls.certificate, tls.key, tls.client_ca) if path)


def _stamp(path: str) -> tuple[int, int, int] | None:
    try:
        found = Path(path).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
