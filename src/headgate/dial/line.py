"""A blocking connection for a question and its answer: to a webhook, a report, our own gateway."""

import http.client
import ssl
from urllib.parse import urlsplit

from headgate.dial.settings import Trust
from headgate.dial.tls import client_context

LOCAL = b"\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00"
"""The PROXY protocol's greeting, version 2, of one who speaks for itself and for no client.

Source: https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt, section 2.2.
"""


class Plain(http.client.HTTPConnection):
    """A connection that greets before all else, TLS too.

    Attributes:
        greeting: What is sent first.
    """

    greeting = b""

    def connect(self) -> None:
        """Open it.

        Raises:
            OSError: It cannot be opened.
        """
        super().connect()
        if self.greeting:
            self.sock.sendall(self.greeting)


class Secured(http.client.HTTPSConnection, Plain):
    """The same with TLS, which begins behind the greeting."""


def line_to(
    url: str, timeout_s: float, context: ssl.SSLContext | None = None, greeting: bytes = b""
) -> http.client.HTTPConnection:
    """Return a connection to the host of an address, not yet opened. No redirect is followed on it.

    Args:
        url: `http(s)://host[:port]...`, checked when it was read.
        timeout_s: Silence for so long ends it.
        context: What TLS goes by, None for the authorities that the system trusts.
        greeting: What is sent before all else.
    """
    parts = urlsplit(url)
    line: Plain
    if parts.scheme == "https":
        trust = context or client_context(Trust())
        line = Secured(parts.hostname or "", parts.port, timeout=timeout_s, context=trust)
    else:
        line = Plain(parts.hostname or "", parts.port, timeout=timeout_s)
    line.greeting = greeting
    return line
