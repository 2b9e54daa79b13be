"""Heads of replies to clients, with what Headgate adds to them; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.gateway.http_bytes import head, whole
from headgate.units.errors import Refusal
from headgate.units.money import format_usd

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange

EVENT_STREAM = b"text/event-stream; charset=utf-8"

Pairs = list[tuple[bytes, bytes]]


def facts(exchange: Exchange, served_model: str | None, cost_nanos: int | None) -> Pairs:
    """Return Headgate's own headers: call, served model, deployment, decision, hold, cost."""
    pairs: Pairs = [
        (b"x-headgate-call", exchange.call.encode()),
        (b"x-headgate-deployment", exchange.target.deployment.id.encode()),
        (b"x-headgate-decision", b"%d" % exchange.decision.number),
        (b"x-headgate-hold-usd", format_usd(exchange.hold_nanos).encode()),
    ]
    if served_model is not None:
        pairs.append((b"x-headgate-model", _header_value(served_model)))
    if cost_nanos is not None:
        pairs.append((b"x-headgate-cost-usd", format_usd(cost_nanos).encode()))
    return pairs


def _header_value(text: str) -> bytes:
    """Return a provider's text as a header value: printable ASCII only, bounded."""
    return bytes(byte for byte in text.encode()[:128] if 32 < byte < 127)


def stream_head(exchange: Exchange, served_model: str | None, passed: Pairs) -> bytes:
    """Return the head of a streamed reply."""
    headers = [*facts(exchange, served_model, None), *passed, (b"cache-control", b"no-cache")]
    if exchange.request.http10:
        return head(200, EVENT_STREAM, headers, close=True) + b"\r\n"
    start = head(200, EVENT_STREAM, headers, close=not exchange.request.keep_alive)
    return start + b"transfer-encoding: chunked\r\n\r\n"


def refusal(exchange: Exchange, why: Refusal) -> bytes:
    """Return a refusal in the client's dialect."""
    headers: Pairs = [
        (b"x-headgate-call", exchange.call.encode()),
        (b"x-headgate-code", why.code.code.encode()),
    ]
    if why.retry_after_s is not None:
        headers.append((b"retry-after", b"%d" % why.retry_after_s))
    # The official clients retry some statuses by themselves; only those with a time are worth it.
    headers.append((b"x-should-retry", b"false" if why.retry_after_s is None else b"true"))
    body = exchange.dialect.render_refusal(why, exchange.call)
    return whole(why.code.status, body, headers, close=not exchange.request.keep_alive)
