"""The console's door: HTTP as uvicorn reads it, within bounds for who has shown nothing yet."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol


class Bounds(NamedTuple):
    """What a door takes.

    Attributes:
        connections_max: So many at once; the steward needs its open files for other things.
        head_bytes_max: A longer head is no request.
        silence_s: A connection on which no request became whole for so long is closed.
    """

    connections_max: int = 256
    head_bytes_max: int = 32_768
    silence_s: int = 10


BOUNDS = Bounds()


class Door(H11Protocol):
    """A connection; uvicorn itself bounds neither their number nor how long a head takes."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn says it
        """Take it, unless there are too many."""
        super().connection_made(transport)
        if self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency:
            transport.abort()
            return
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        super().connection_lost(exc)
        if self._late is not None:
            self._late.cancel()

    def on_response_complete(self) -> None:
        """Wait for the next request, which may have come already."""
        super().on_response_complete()
        self._wait()

    def _wait(self) -> None:
        if self._late is not None:
            self._late.cancel()
        self._late = self.loop.call_later(self.timeout_keep_alive, self._end_if_silent)

    def _end_if_silent(self) -> None:
        # While a request is answered, or its form read, others see to the time that it takes.
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()


class _Server(uvicorn.Server):
    """Uvicorn without its own signal handlers: the steward decides when to stop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


def server_of(app: ASGIApp, host: str, port: int, bounds: Bounds = BOUNDS) -> uvicorn.Server:
    """Return the server of an application, ready to serve."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="none",
        http=Door,
        ws="none",
        lifespan="off",
        access_log=False,
        log_level="error",  # its warnings are about what strangers send
        server_header=False,
        # At this number uvicorn refuses every request; the door keeps it from being reached.
        limit_concurrency=bounds.connections_max + 1,
        h11_max_incomplete_event_size=bounds.head_bytes_max,
        timeout_keep_alive=bounds.silence_s,
        timeout_graceful_shutdown=2,
    )
    return _Server(config)
