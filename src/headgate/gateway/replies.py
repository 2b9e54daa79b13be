"""Heads of replies to clients, with what Headgate adds to them; pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from headgate.dialects.json_array import JsonArray
from headgate.dialects.registry import Dialect, Located
from headgate.gateway.client.http_bytes import status_line, whole
from headgate.gateway.client.request import Request
from headgate.gateway.refusals import headers_of
from headgate.records.report import Report
from headgate.units.errors import Refusal
from headgate.units.money import render_usd

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.upstream.target import Target

EVENT_STREAM: Final = b"text/event-stream; charset=utf-8"
CLOSE: Final = b"connection: close\r\n"
_LIMITS: Final = re.compile(rb"^[^:\r\n]*-ratelimit-[^\r\n]*\r\n", re.IGNORECASE | re.MULTILINE)
_REQUEST_ID: Final = re.compile(rb"^x-request-id:[^\r\n]*\r\n", re.IGNORECASE | re.MULTILINE)


def facts(exchange: Exchange, served_model: str | None, cost_nanos: int | None) -> bytes:
    """Return Headgate's own header lines: call, deployment, decision, hold, model, cost."""
    lines = b"x-headgate-call: %b\r\n%bx-headgate-decision: %d\r\nx-headgate-hold-usd: %b\r\n" % (
        exchange.call.encode(),
        exchange.target.facts,
        exchange.decision.number,
        render_usd(exchange.hold_nanos),
    )
    if exchange.lost:
        lines += b"x-headgate-lost: %b\r\n" % ", ".join(exchange.lost).encode()
    if exchange.turn.waited_us:
        lines += b"x-headgate-waited-ms: %d\r\n" % (exchange.turn.waited_us // 1_000)
    if exchange.permission is not None:
        lines += b"x-headgate-approval: %b\r\n" % exchange.permission.approval.encode()
    if exchange.turn.minute is not None:
        lines += exchange.turn.minute.lines(exchange.dialect.KIND)
    if served_model is not None:
        lines += _model_line(exchange.target, served_model)
    return lines if cost_nanos is None else lines + cost_line(cost_nanos)


def cost_line(nanos: int) -> bytes:
    """Return the header line that says what a call cost."""
    return b"x-headgate-cost-usd: %b\r\n" % render_usd(nanos)


def untold_line(places: tuple[str, ...]) -> bytes:
    """Return the header line of what a reply said that the client is not told; none for nothing."""
    return b"x-headgate-reply-lost: %b\r\n" % ", ".join(places).encode() if places else b""


def _model_line(target: Target, served_model: str) -> bytes:
    # A provider names the same one with every reply.
    if target.served_model != served_model:
        target.served_model = served_model
        target.model_line = b"x-headgate-model: %b\r\n" % header_value(served_model)
    return target.model_line


def header_value(text: str) -> bytes:
    """Return a provider's text as a header value: printable ASCII without blanks, bounded."""
    if len(text) <= 128 and text.isascii() and text.isprintable() and " " not in text:
        return text.encode()
    return bytes(byte for byte in text.encode()[:128] if 32 < byte < 127)


def reply(
    exchange: Exchange,
    status: int,
    content_type: bytes,
    lines: bytes,
    body: bytes,
) -> bytes:
    """Return a complete reply with header lines that are rendered already."""
    return b"%b%bcontent-type: %b\r\n%b%b%bcontent-length: %d\r\n\r\n%b" % (
        status_line(status),
        exchange.clock.date_line,
        content_type,
        lines,
        exchange.request.head.lines,
        b"" if exchange.request.head.keep_alive else CLOSE,
        len(body),
        body,
    )


def passed_on(exchange: Exchange, lines: bytes) -> bytes:
    """Return the provider's header lines that go to the client, whose own request id comes first.

    Without one, the provider's is what the official clients show. Whoever has limits here is told
    of these, and not of the provider's.
    """
    if exchange.turn.minute is not None:
        lines = without_limits(lines)
    return lines if exchange.request.head.request_id is None else _REQUEST_ID.sub(b"", lines)


def without_limits(lines: bytes) -> bytes:
    """Return a provider's header lines without those that tell of its own limits."""
    return _LIMITS.sub(b"", lines)


def array_of(request: Request) -> JsonArray | None:
    """Return what says a stream as one JSON array, for who asked for that; None for events."""
    named = request.named
    return JsonArray() if isinstance(named, Located) and named.array else None


def begun_stream_head(exchange: Exchange, report: Report | None) -> bytes:
    """Return the head of a streamed reply that has begun; `report` is what its first event says."""
    upstream = exchange.upstream
    assert upstream is not None
    served_model = None if report is None else report.served_model
    return stream_head(exchange, served_model, passed_on(exchange, upstream.passed))


def stream_head(exchange: Exchange, served_model: str | None, passed: bytes) -> bytes:
    """Return the head of a streamed reply."""
    return held_stream_head(exchange, facts(exchange, served_model, None) + passed)


def held_stream_head(exchange: Exchange, lines: bytes) -> bytes:
    """Return the head of a streamed reply whose own header lines are rendered already."""
    asked = exchange.request.head
    return b"%b%bcontent-type: %b\r\n%b%bcache-control: no-cache\r\n%b%b\r\n" % (
        status_line(200),
        exchange.clock.date_line,
        EVENT_STREAM if exchange.array is None else exchange.array.CONTENT_TYPE,
        lines,
        asked.lines,
        b"" if asked.keep_alive else CLOSE,
        b"" if asked.http10 else b"transfer-encoding: chunked\r\n",
    )


def refusal(exchange: Exchange, why: Refusal) -> bytes:
    """Return a refusal of a call in its client's dialect."""
    # A stranger's call is written down nowhere, so its id would lead nowhere.
    call = None if exchange.request.credential is None else exchange.call
    approval = None if exchange.permission is None else exchange.permission.approval
    asked = exchange.request.head
    lines = exchange.clock.date_line + asked.lines
    if exchange.turn.minute is not None:
        lines += exchange.turn.minute.lines(exchange.dialect.KIND)
    close = not asked.keep_alive
    return refused(exchange.dialect, why, lines, call, approval, close=close)


def refused(
    dialect: Dialect,
    why: Refusal,
    lines: bytes,
    call: str | None,
    approval: str | None = None,
    *,
    close: bool,
) -> bytes:
    """Return a refusal in a dialect.

    Args:
        dialect: The client's.
        why: The refusal.
        lines: Header lines that are rendered already.
        call: The id of the call, None when it is told to nobody.
        approval: What a person was asked, None for nobody.
        close: Whether the connection is closed behind it.
    """
    headers = headers_of(why)
    if call is not None:
        headers.append((b"x-headgate-call", call.encode()))
    if approval is not None:
        headers.append((b"x-headgate-approval", approval.encode()))
    body = dialect.render_refusal(why, call)
    return whole(why.code.status, body, lines, headers, close=close)
