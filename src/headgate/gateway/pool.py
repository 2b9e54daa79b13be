"""Keep-alive connections to one provider: a list that is popped and pushed."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from headgate.gateway.clock import Coarse
from headgate.gateway.outbox import Outbox
from headgate.gateway.upstream import UpstreamConnection
from headgate.providers.envelope import Envelope
from headgate.providers.settings import Provider

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange

IDLE_MAX = 1_024


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Return the context for a provider: certificates and names are always checked."""
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


READ = frozenset({b"content-type", b"content-length", b"transfer-encoding", b"content-encoding"})
"""The names of reply headers that are read; what else matters is passed on."""

SPELLINGS_MAX = 512


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
        provider: Address, trust and timeouts.
        passes: Tells whether a header of a reply is passed to the client.
        clock: The data plane's coarse clock.
        outbox: Sends at the end of a turn.
        envelopes: By dialect, how its streams differ from server-sent events; empty when none do.
    """

    def __init__(
        self,
        provider: Provider,
        passes: Callable[[bytes], bool],
        clock: Coarse,
        outbox: Outbox,
        envelopes: Mapping[str, Envelope],
    ) -> None:
        address = urlsplit(provider.base_url)
        secure = address.scheme == "https"
        assert address.hostname is not None, provider.base_url
        self.provider = provider
        self.names = ReplyNames(passes)
        self.clock = clock
        self.outbox = outbox
        self.envelopes = envelopes
        self._host = address.hostname
        self._port = address.port or (443 if secure else 80)
        self._tls = tls_context(provider.ca_file) if secure else None
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
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self.provider.connect_timeout_ms / 1000):
                _, connection = await loop.create_connection(
                    lambda: UpstreamConnection(self), self._host, self._port, ssl=self._tls
                )
        except TimeoutError:
            exchange.unreachable("connect_timeout")
        except ssl.SSLError as error:
            exchange.unreachable(f"tls: {error.reason or error.args[-1]}")
        except OSError as error:
            exchange.unreachable(f"connect: {error.strerror or type(error).__name__}")
        except UnicodeError:
            exchange.unreachable("connect: the host is no name")
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
