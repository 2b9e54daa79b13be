"""Streams that wait before there is anything to stream: begun early, and kept alive.

Once a stream is begun its status is 200, whatever comes of the call: what goes wrong afterwards
is an error event in the client's dialect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headgate.gateway import replies
from headgate.gateway.client.http_bytes import chunk

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange

KEEP_ALIVE: Final = b"\n"
"""An empty line, which means nothing in any dialect; some clients choke on comments."""


def ping(exchange: Exchange) -> None:
    """Let the client of a call that is to be streamed hear something; begins the stream."""
    client, http10 = exchange.client, exchange.request.head.http10
    if client is None:
        return
    alive = KEEP_ALIVE if http10 else chunk(KEEP_ALIVE)
    if not exchange.headed:
        exchange.headed = True
        exchange.array = replies.array_of(exchange.request)
        alive = replies.stream_head(exchange, None, b"") + alive
    client.write(alive)


def ping_queued(exchange: Exchange, now_ms: int, every_ms: int) -> None:
    """Ping a call that waits for a place, if it is to be streamed and its time has come.

    Args:
        exchange: A call that waits in the queue.
        now_ms: Coarse time.
        every_ms: How often.
    """
    heard_ms = max(exchange.since_ms, exchange.turn.pinged_ms)
    if exchange.own.stream and now_ms - heard_ms >= every_ms:
        exchange.turn.pinged_ms = now_ms
        ping(exchange)
