"""A client connection whose requests are written to the access log; another class, so that
those that are not pay nothing for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from headgate.gateway.client.edge import ClientConnection
from headgate.gateway.listener.access_log import AccessLog, Entry
from headgate.gateway.listener.addresses import client_of

if TYPE_CHECKING:
    from headgate.gateway.client.request import Request
    from headgate.gateway.pipeline import Pipeline
    from headgate.units.errors import Refusal

PATH_CHARS_MAX: Final = 512
_STATUS_AT, _STATUS_END = len("HTTP/1.1 "), len("HTTP/1.1 200")
_CONTINUE: Final = b"100"
_MS: Final = 1_000_000


class LoggedConnection(ClientConnection):
    """A client connection that takes down each request when it is over."""

    __slots__ = ("_answering", "_client", "_log", "_sent_bytes", "_since_ns", "_status")

    def __init__(self, pipeline: Pipeline, log: AccessLog, client: str | None) -> None:
        """Begin; `client` is its address, None for what the connection itself says."""
        super().__init__(pipeline)
        self._log = log
        self._client = client
        self._answering: Request | None = None
        self._since_ns = self._sent_bytes = self._status = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take up a connection, and note whose it is."""
        if self._client is None:
            peer = transport.get_extra_info("peername")
            self._client = None if peer is None else str(peer[0])
        super().connection_made(transport)

    def connection_lost(self, _exc: Exception | None) -> None:
        """The client is gone; what it was being answered is taken down as cut."""
        self._take_down(cut=True)
        super().connection_lost(_exc)

    def answer(self, request: Request) -> None:
        """Answer a request that is whole, and whose turn it is."""
        self._answering = request
        self._since_ns = self._pipeline.now_ns()
        self._sent_bytes = self._status = 0
        super().answer(request)

    def write(self, data: bytes) -> None:
        """Send bytes to the client at the end of this turn, if it is still there."""
        self._sent_bytes += len(data)
        if data and not self._status:
            status = data[_STATUS_AT:_STATUS_END]
            if status != _CONTINUE:
                self._status = int(status)
        super().write(data)

    def done(self, *, keep_alive: bool) -> None:
        """The answer is written: take it down, and the next request up."""
        self._take_down(cut=False)
        super().done(keep_alive=keep_alive)

    def say_last(self, refusal: Refusal, *, linger: bool = True) -> None:
        """Send the refusal that ends the connection, and take it down."""
        self._log.add(
            Entry(self._pipeline.now_ns(), self._client, refusal.code.status, took_ms=0, size=0)
        )
        super().say_last(refusal, linger=linger)

    def _take_down(self, *, cut: bool) -> None:
        request, self._answering = self._answering, None
        if request is None:
            return
        head, credential, exchange = request.head, request.credential, self.exchange
        entry = Entry(
            self._since_ns,
            self._address(request),
            self._status,
            (self._pipeline.now_ns() - self._since_ns) // _MS,
            self._sent_bytes,
            "HEAD" if head.bodiless else head.method.decode("latin-1"),
            head.path[:PATH_CHARS_MAX].decode("latin-1"),
            cut=cut,
        )
        if credential is not None:
            entry.principal, entry.key = credential.principal, credential.key
            # A stranger's call is written down nowhere, so its id would lead nowhere.
            entry.call = None if exchange is None else exchange.call
        entry.request_id = entry.call
        if head.request_id is not None:
            entry.request_id = head.request_id.decode("latin-1")
        self._log.add(entry)

    def _address(self, request: Request) -> str | None:
        edge, peer = self._pipeline.edge, self._client
        if peer is None or not edge.trusted_proxies:
            return peer
        said, header = request.head.forwarded_for, edge.forwarded_header.encode()
        return client_of(peer, said, header, edge.trusted_proxies)


def welcome(pipeline: Pipeline) -> Callable[[str | None], ClientConnection]:
    """Return what makes the connections of clients: logged ones where there is a log."""
    log = pipeline.world.access_log
    if log is None:
        return lambda _client: ClientConnection(pipeline)
    kept = log
    return lambda client: LoggedConnection(pipeline, kept, client)
