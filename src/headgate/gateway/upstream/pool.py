"""Keep-alive connections to one provider: a list that is popped and pushed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from headgate.dial.dialer import Dialer
from headgate.dial.failures import DialError
from headgate.gateway.clock import Coarse
from headgate.gateway.outbox import Outbox
from headgate.gateway.upstream.connection import UpstreamConnection
from headgate.gateway.upstream.renewals import Renewals
from headgate.providers.envelope import Envelope
from headgate.providers.settings import Provider

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange

IDLE_MAX: Final = 1_024

READ: Final = frozenset(
    {b"content-type", b"content-length", b"transfer-encoding", b"content-encoding"}
)
"""The names of reply headers that are read; what else matters is passed on."""

SPELLINGS_MAX: Final = 512


class ReplyNames(dict[bytes, bytes | None]):
    """Names of reply headers as the provider spells them, in lower case; None: of no matter.

    A provider sends the same names with every reply, so each is looked at once.
    """

    def __init__(self, passes: Callable[[bytes], bool]) -> None:
        self._passes = passes

    def __missing__(self, name: bytes) -> bytes | None:
        """Look at a spelling that was not met before."""
        lower = name.lower()
        known = lower if lower in READ or self._passes(lower) else None
        if len(self) < SPELLINGS_MAX:
            self[name] = known
        return known


class Pool:
    """The connections to one provider.

    Args:
        provider: Its timeouts, and what else is configured.
        passes: Tells whether a header of a reply is passed to the client.
        clock: The data plane's coarse clock.
        outbox: Sends at the end of a turn.
        envelopes: By dialect, how its streams differ from server-sent events; empty when none do.
        dialer: Opens the connections.

    Attributes:
        renewals: Sends calls again when its credential was rejected, None for one that lasts.
    """

    def __init__(
        self,
        provider: Provider,
        passes: Callable[[bytes], bool],
        clock: Coarse,
        outbox: Outbox,
        envelopes: Mapping[str, Envelope],
        dialer: Dialer,
    ) -> None:
        self.provider = provider
        self.names = ReplyNames(passes)
        self.clock = clock
        self.outbox = outbox
        self.envelopes = envelopes
        self.dialer = dialer
        self.renewals: Renewals | None = None
        self._idle: list[UpstreamConnection] = []
        self._connecting: set[asyncio.Task[None]] = set()

    def take(self) -> UpstreamConnection | None:
        """Return an idle connection, the one used last, or None."""
        while self._idle:
            connection = self._idle.pop()
            if connection.transport is not None and not connection.transport.is_closing():
                return connection
        return None

    def put(self, connection: UpstreamConnection) -> None:
        """Take a connection back."""
        if len(self._idle) >= IDLE_MAX:
            assert connection.transport is not None
            connection.transport.close()
            return
        connection.active_ms = self.clock.coarse_ms
        self._idle.append(connection)

    def learn(self, connection: UpstreamConnection) -> None:
        """Keep the TLS session of a connection that has had its first reply."""
        tls, transport = self.dialer.tls, connection.transport
        if tls is not None and transport is not None:
            tls.keep(transport.get_extra_info("ssl_object"))

    def forget(self, connection: UpstreamConnection) -> None:
        """A connection is closed."""
        if connection in self._idle:
            self._idle.remove(connection)

    def connect(self, exchange: Exchange) -> None:
        """Open a connection for an exchange; it is told through `connected` or `unreachable`."""
        task = asyncio.get_running_loop().create_task(self._connect(exchange))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _connect(self, exchange: Exchange) -> None:
        try:
            async with asyncio.timeout(self.provider.connect_timeout_ms / 1000):
                connection = await self.dialer.open(lambda: UpstreamConnection(self))
        except TimeoutError:
            exchange.unreachable("connect_timeout")
        except DialError as error:
            exchange.unreachable(error.reason)
        else:
            exchange.connected(connection)

    def sweep(self) -> None:
        """Close connections that have been idle for too long; the oldest are in front."""
        before = self.clock.coarse_ms - self.provider.keep_alive_ms
        stale = [each for each in self._idle if each.active_ms < before]
        for connection in stale:
            self._idle.remove(connection)
            if connection.transport is not None:
                connection.transport.close()

    def close(self) -> None:
        """Close the idle connections and give up on those being opened."""
        for task in self._connecting:
            task.cancel()
        for connection in self._idle:
            if connection.transport is not None:
                connection.transport.close()
        self._idle.clear()
