"""What the edge sends: one client connection's bytes out, its pace, and how it is closed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from headgate.gateway import refusals, settings
from headgate.gateway.client.http_bytes import bodiless
from headgate.gateway.settings import PENDING_BYTES_MAX

if TYPE_CHECKING:
    from headgate.dialects.registry import Dialect
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.pipeline import Pipeline
    from headgate.units.errors import Refusal


class SendingConnection(asyncio.Protocol):
    """The half of a client connection that sends; the other half is in `edge.py`.

    Attributes:
        bodiless: Whether the refusal that ends the connection has no body, for HEAD was asked.
        clock: The data plane's coarse clock.
        dialects: All that clients speak.
        exchange: The call being answered, None between calls.
        paused: Whether the client reads too slowly.
        phase_since_ms: Coarse time at which what is received began, or the client stopped reading.
        transport: None once the client is gone.
    """

    __slots__ = (
        "_outbox",
        "_pending",
        "_pipeline",
        "bodiless",
        "clock",
        "dialects",
        "exchange",
        "paused",
        "phase_since_ms",
        "transport",
    )

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self.clock = pipeline.world.clock
        self._outbox = pipeline.world.outbox
        self._pending = b""
        self.bodiless = False
        self.dialects: tuple[Dialect, ...] = tuple(pipeline.world.dialects.values())
        self.exchange: Exchange | None = None
        self.paused = False
        self.phase_since_ms = 0
        self.transport: asyncio.Transport | None = None

    def pause_writing(self) -> None:
        """The client reads too slowly: the upstream is not read meanwhile."""
        self.paused = True
        self.phase_since_ms = self.clock.coarse_ms
        if self.exchange is not None:
            self.exchange.pause()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self.paused = False
        if self.exchange is not None:
            self.exchange.resume()

    def write(self, data: bytes) -> None:
        """Send bytes to the client at the end of this turn, if it is still there."""
        if self._pending:
            self._pending += data
        elif self.transport is not None:
            self._pending = data
            self._outbox.add(self)
        if len(self._pending) > PENDING_BYTES_MAX:
            self.flush()

    def flush(self) -> None:
        """Send what is pending."""
        data, self._pending = self._pending, b""
        if data and self.transport is not None:
            self.transport.write(data)

    def close(self) -> None:
        """Close after what is pending."""
        self.flush()
        if self.transport is not None:
            self.transport.close()

    def say_last(self, refusal: Refusal, *, linger: bool = True) -> None:
        """Send the refusal that ends the connection, and give the client time to read it.

        Closed at once, with bytes of the client unread, the connection would be reset, and the
        refusal lost. So only our side is closed, and what still comes is thrown away; TLS has no
        such half, and reads on by itself until the client has heard that we close.
        """
        transport = self.transport
        if transport is None:
            return
        self.flush()
        told = refusals.before_any_dialect(self.dialects, refusal, self.clock.date_line)
        transport.write(bodiless(told) if self.bodiless else told)
        if linger and transport.can_write_eof():
            transport.write_eof()
            asyncio.get_running_loop().call_later(settings.LINGER_S, transport.abort)
        else:
            transport.close()
