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
    from headgate.records.charge import Settlement
    from headgate.records.report import Report


class Answer:
    """What a call was answered with; the connection that it came on may serve others by now.

    Attributes:
        exchange: The call.
        report: What the reply says of itself.
        settlement: What the attempt is posted at.
    """

    __slots__ = ("_body", "_passed", "_type", "exchange", "report", "settlement")

    def __init__(
        self,
        exchange: Exchange,
        upstream: UpstreamConnection,
        body: bytes | None,
        report: Report,
        settlement: Settlement,
    ) -> None:
        """Take from a reply's head what its client is told of it.

        Args:
            exchange: The call.
            upstream: The head.
            body: The reply in the client's dialect, None when it cannot be told in it.
            report: What the reply says of itself.
            settlement: What the attempt is posted at.
        """
        self.exchange = exchange
        self._body = body
        self.report = report
        self.settlement = settlement
        self._passed = upstream.passed
        self._type = JSON
        if not isinstance(exchange.spoken, Translated):
            self._type = upstream.content_type or JSON
            if upstream.content_encoding:
                self._passed += b"content-encoding: %b\r\n" % upstream.content_encoding

    @property
    def whole(self) -> bool:
        """Whether it is a reply, and could be told."""
        return self.report.complete and self._body is not None

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
        served_model = self.report.served_model
        lines = replies.facts(exchange, served_model, self.settlement.amount_nanos)
        lines += replies.passed_on(exchange, self._passed)
        spoken = exchange.spoken
        if isinstance(spoken, Translated):
            lines += replies.untold_line(spoken.untold)
        client.write(replies.reply(exchange, 200, self._type, lines, body))
