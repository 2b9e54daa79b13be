"""Whole replies that are settled, on their way to who waits for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.dialects.translation.translated import NOT_TOLD, Translated
from headgate.gateway import replies
from headgate.gateway.client.http_bytes import JSON
from headgate.units import errors
from headgate.units.errors import Refusal

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.upstream.connection import UpstreamConnection


class Answer:
    """What a call was answered with; the connection that it came on may serve others by now.

    Attributes:
        exchange: The call.
    """

    __slots__ = ("_amount_nanos", "_body", "_passed", "_served_model", "_type", "exchange")

    def __init__(
        self,
        exchange: Exchange,
        upstream: UpstreamConnection,
        body: bytes | None,
        served_model: str | None,
        amount_nanos: int,
    ) -> None:
        """Take from a reply's head what its client is told of it.

        Args:
            exchange: The call.
            upstream: The head.
            body: The reply in the client's dialect, None when it cannot be told in it.
            served_model: What the reply says of who made it.
            amount_nanos: What was posted.
        """
        self.exchange = exchange
        self._body = body
        self._served_model = served_model
        self._amount_nanos = amount_nanos
        self._passed = upstream.passed
        self._type = JSON
        if not isinstance(exchange.spoken, Translated):
            self._type = upstream.content_type or JSON
            if upstream.content_encoding:
                self._passed += b"content-encoding: %b\r\n" % upstream.content_encoding

    def write(self) -> None:
        """Tell the client, if it is still there."""
        exchange, body = self.exchange, self._body
        client = exchange.client
        if client is None:
            return
        if body is None:
            refusal = Refusal(errors.UPSTREAM_BROKEN, NOT_TOLD)
            client.write(replies.refusal(exchange, refusal))
            return
        lines = replies.facts(exchange, self._served_model, self._amount_nanos)
        lines += replies.passed_on(exchange, self._passed)
        spoken = exchange.spoken
        if isinstance(spoken, Translated):
            lines += replies.untold_line(spoken.untold)
        client.write(replies.reply(exchange, 200, self._type, lines, body))
