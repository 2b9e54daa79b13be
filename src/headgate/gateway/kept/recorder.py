"""The recorder: stands between a call with an idempotency key and its client.

It takes down what is written and outlives the client, so that whoever comes back with the key
finds the whole reply.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headgate.gateway.client.tap import Tap
from headgate.records.repeats import Claim, Kept

if TYPE_CHECKING:
    from headgate.gateway.client.edge import ClientConnection
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.kept.repeats import Repeats

FRAMING: Final = (b"content-length", b"transfer-encoding", b"connection")
BROWSER: Final = (b"access-control-allow-origin", b"access-control-expose-headers", b"vary")
"""What is told to the browser that asks, which is another next time."""

LEFT_OUT: Final = (*FRAMING, *BROWSER, b"date")
STALE: Final = b"ratelimit"
"""Headers whose name has it tell what held then, and are not kept."""


class Recorder(Tap):
    """What a call with a key writes to in place of its client.

    Attributes:
        claim: What its key was claimed with.
    """

    __slots__ = ("_exchange", "_repeats", "claim")

    def __init__(
        self, repeats: Repeats, exchange: Exchange, client: ClientConnection, claim: Claim
    ) -> None:
        super().__init__(client, keeping=repeats.keeping)
        self._repeats = repeats
        self._exchange: Exchange | None = exchange
        self.claim = claim

    def follow(self, exchange: Exchange) -> None:
        """Another attempt of the call answers, which ran beside the first one."""
        super().follow(exchange)
        self._exchange = exchange

    def leave(self) -> Recorder:
        """The client went away; what stands in its place stays."""
        self._client = None
        return self

    def done(self, *, keep_alive: bool) -> None:
        """The reply is written, or there will be none."""
        exchange, self._exchange = self._exchange, None
        assert exchange is not None
        reply = kept(b"".join(self._parts)) if self.whole and self._keeping else None
        self._drop()
        self._repeats.over(self, reply, sent=exchange.number > 0)
        if self._client is not None:
            self._client.done(keep_alive=keep_alive)

    def _record(self, size: int) -> bool:
        return self._repeats.record(size, self._size)

    def _forget(self, size: int) -> None:
        self._repeats.forget(size)


def kept(data: bytes) -> Kept:
    """Return a whole reply without what belongs to the connection it was written to."""
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    content_type, chunked, left = b"", False, b""
    for line in lines:
        name, _, value = line.partition(b":")
        # Our own names are in lower case; a provider's pass as they came.
        if name == b"content-type":
            content_type = value.strip()
        elif name not in LEFT_OUT and STALE not in name.lower():
            left += line + b"\r\n"
        chunked = chunked or name == b"transfer-encoding"
    body = unchunked(body) if chunked else body
    status = int(first.split(b" ", 2)[1])
    return Kept(status, content_type.decode("latin-1"), left.decode("latin-1"), body)


def unchunked(data: bytes) -> bytes:
    """Return a body without the framing of its chunks, which is our own."""
    pieces: list[bytes] = []
    at = 0
    while True:
        end = data.index(b"\r\n", at)
        size = int(data[at:end], 16)
        if not size:
            return b"".join(pieces)
        pieces.append(data[end + 2 : end + 2 + size])
        at = end + 2 + size + 2
