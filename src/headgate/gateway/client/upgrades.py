"""Upgrades that clients ask for: all but WebSockets are passed over; pure.

A server may ignore an upgrade, and answers then as if nobody had asked (RFC 9110, 7.8). Clients
written in Java ask by themselves: `java.net.http` for h2c with a plain request, Apache's HTTP
client (from 5.4) for TLS with a plain GET. A WebSocket alone leaves no use for another answer.
"""

import httptools

from headgate.gateway.client.request import Head


def asks_websocket(head: Head) -> bool:
    """Tell whether a request that asks for an upgrade asks for a WebSocket, among others or not."""
    return any(
        name == b"upgrade" and b"websocket" in value.lower() for name, value in head.forwarded
    )


def framing(head: Head) -> bytes:
    """Return a head that says no more than how the body of another one is framed; empty for none.

    llhttp takes what is behind a head with an upgrade for another protocol, its own body too: that
    is read by a parser that has been told this instead.
    """
    if head.chunked:
        return b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"
    if head.announced:
        return b"POST / HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % head.announced
    return b""


def parser_behind(protocol: object, head: bytes) -> httptools.HttpRequestParser:
    """Return a parser that has read such a head, or nothing, and tells a protocol of the rest."""
    parser = httptools.HttpRequestParser(protocol)
    parser.feed_data(head)
    return parser
