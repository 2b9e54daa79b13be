"""Trust: certificates and names are always checked, and sessions are resumed."""

import ssl
import sys
import time

from headgate.dial.settings import Trust

RESUMED_S = 3_600.0
"""So long after a certificate was checked its session, and those resumed from it, are resumed."""


class TrustError(ValueError):
    """A PEM file cannot be used; the message says which key names it, and why."""

    def __init__(self, key: str, message: str) -> None:
        self.key = key
        super().__init__(message)


class ClientContext(ssl.SSLContext):
    """The context for connections to one host: each resumes the session of one before.

    Event loops wrap connections without a session, so it is put in here. A server that does not
    take it does a whole handshake. Whoever resumes a session shows no certificate again, so that
    is done for an hour at most.

    Attributes:
        kept: The session to resume, None before the first.
        checked_s: When a certificate was checked last, by the monotonic clock.
    """

    kept: ssl.SSLSession | None = None
    checked_s = -RESUMED_S

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Wrap a connection, with the session that is kept."""
        if time.monotonic() - self.checked_s >= RESUMED_S:
            self.kept = None
        return super().wrap_bio(
            incoming, outgoing, server_side, server_hostname, session or self.kept
        )

    def keep(self, connection: ssl.SSLObject | None) -> None:
        """Keep a connection's session for the next one.

        In TLS 1.3 there is none before the server has sent something behind the handshake.
        """
        if connection is None or connection.session is None:
            return
        if not connection.session_reused:
            self.checked_s = time.monotonic()
        self.kept = connection.session


def client_context(trust: Trust, authorities: str | None = None) -> ClientContext:
    """Return the context for the connections to one host.

    Args:
        trust: Whom we trust, and how we prove who we are.
        authorities: PEM that is trusted in place of what `trust` says, None for that.

    Raises:
        TrustError: A file cannot be used.
    """
    # As `ssl.create_default_context` makes it, which makes no others than its own class.
    context = ClientContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if sys.version_info >= (3, 13):
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
    context.set_alpn_protocols(["http/1.1"])
    try:
        if authorities is not None:
            context.load_verify_locations(cadata=authorities)
        elif trust.ca_file is None:
            context.load_default_certs()
        else:
            context.load_verify_locations(cafile=trust.ca_file)
    except (OSError, ssl.SSLError, ValueError) as error:
        raise TrustError("ca_file", _why(trust.ca_file, error)) from error
    if trust.client_cert is not None:
        try:
            context.load_cert_chain(trust.client_cert, trust.client_key, password=_no_password)
        except (OSError, ssl.SSLError, ValueError) as error:
            raise TrustError("client_cert", _why(trust.client_cert, error)) from error
    return context


def _no_password() -> str:
    """Refuse an encrypted key, which OpenSSL would otherwise ask the terminal about."""
    raise ValueError("the key is encrypted, and there is nobody to ask for its password")


def _why(name: str | None, error: Exception) -> str:
    if isinstance(error, ssl.SSLError):
        return f"{name} cannot be used: {error.reason or error.args[-1]}."
    if isinstance(error, OSError):
        return f"{name} cannot be read: {error.strerror}."
    return f"{name} cannot be used: {error}."
