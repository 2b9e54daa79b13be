"""Connections that a proxy passes on with the PROXY protocol: greeted first, then served.

The greeting stands in front of everything, TLS too. So it is read from the socket itself, before
any protocol has it, and not a byte further; that takes a task per connection, which ends with it.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Coroutine
from typing import Any

from headgate.gateway.listener.addresses import address, is_within
from headgate.gateway.listener.proxy_protocol import GREETING_BYTES_MAX, GreetingError, parse
from headgate.gateway.settings import Edge

GREETING_MS_MAX = 5_000
"""How long a greeting may take at most; proxies send it together with the first bytes."""

GREETINGS_MAX = 1_024
"""So many connections may be greeting at once, or be at their handshake; more are closed."""

AGAIN_S = 1
"""How long nobody is let in after the system would not (too many open files)."""

Meet = Callable[[socket.socket, str], Coroutine[Any, Any, object]]
"""Serves a connection whose client has the address; it may fail as a handshake may."""

_log = logging.getLogger(__name__)


class ProxiedServer:
    """Accepts connections, from trusted proxies alone, and hands each on with its client.

    Attributes:
        refused: Connections that were closed for who they came from or how they began.
    """

    def __init__(self, listening: socket.socket, edge: Edge, meet: Meet, backlog: int) -> None:
        """Begin at once; `listening` is closed with the server."""
        listening.listen(backlog)
        listening.setblocking(False)
        self._listening = listening
        self._trusted = edge.trusted_proxies
        self._greeting_s = min(GREETING_MS_MAX, edge.head_timeout_ms) / 1_000
        self._meet = meet
        self._greeting: set[asyncio.Task[None]] = set()
        self._accepting = asyncio.create_task(self._accept())
        self.refused = 0

    def close(self) -> None:
        """Take no more; who is greeting is served all the same."""
        self._accepting.cancel()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    connection, told = await loop.sock_accept(self._listening)
                except OSError as error:
                    _log.warning("listen: Nobody can be let in: %s.", error.strerror)
                    await asyncio.sleep(AGAIN_S)
                    continue
                peer = str(told[0])
                if len(self._greeting) < GREETINGS_MAX and is_within(address(peer), self._trusted):
                    task = asyncio.create_task(self._greet(connection, peer))
                    self._greeting.add(task)
                    task.add_done_callback(self._greeting.discard)
                else:
                    self._refuse(connection)
        finally:
            self._listening.close()

    async def _greet(self, connection: socket.socket, peer: str) -> None:
        try:
            async with asyncio.timeout(self._greeting_s):
                client = await read_greeting(connection)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._meet(connection, peer if client is None else client)
        except (OSError, GreetingError):
            # TimeoutError and what handshakes raise are of the first kind.
            self._refuse(connection)

    def _refuse(self, connection: socket.socket) -> None:
        self.refused += 1
        connection.close()


async def read_greeting(connection: socket.socket) -> str | None:
    """Read what a proxy says, and nothing of what follows; returns its client, None for itself.

    Raises:
        GreetingError: It says something else.
        OSError: The connection broke.
    """
    data = b""
    while True:
        await _readable(connection)
        more = connection.recv(GREETING_BYTES_MAX, socket.MSG_PEEK)
        if not more:
            raise GreetingError("closed")
        greeting = parse(data + more)
        if greeting is not None:
            connection.recv(greeting.size - len(data))
            return greeting.client
        # All of it belongs to the greeting.
        data += connection.recv(len(more))


async def _readable(connection: socket.socket) -> None:
    """Wait until something can be read."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_reader(connection, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(connection)
