"""Connections that are met before they are served: greeted by their proxy, TLS agreed on.

The greeting of the PROXY protocol stands in front of everything, TLS too. So it is read from the
socket itself, before any protocol has it, and not a byte further; that takes a task per connection,
which ends with it. Handshakes are counted by the same task.
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

MEETINGS_MAX = 1_024
"""So many connections may be greeting at once, or be at their handshake."""

AGAIN_S = 1
"""How long nobody is let in after the system would not (too many open files)."""

Meet = Callable[[socket.socket, str], Coroutine[Any, Any, object]]
"""Serves a connection whose client has the address; it may fail as a handshake may."""

_log = logging.getLogger(__name__)


class MeetingServer:
    """Accepts connections and meets each before it is served, only so many at a time.

    Where the PROXY protocol is asked for, only trusted proxies get in, and greet first.

    Attributes:
        refused: Connections that were closed for who they came from or how they began.
    """

    def __init__(
        self,
        listening: socket.socket,
        edge: Edge,
        meet: Meet,
        backlog: int,
        at_once_max: int = MEETINGS_MAX,
    ) -> None:
        """Begin at once; `listening` is closed with the server."""
        listening.listen(backlog)
        listening.setblocking(False)
        self._listening = listening
        self._greets = edge.proxy_protocol
        self._trusted = edge.trusted_proxies
        self._greeting_s = min(GREETING_MS_MAX, edge.head_timeout_ms) / 1_000
        self._meet = meet
        self._at_once_max = at_once_max
        self._meeting: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()
        self._open = True
        self.refused = 0
        self._look()

    @property
    def meeting(self) -> bool:
        """Whether anybody is being met."""
        return bool(self._meeting)

    def close(self) -> None:
        """Take no more; who is being met is served all the same."""
        if self._open:
            self._open = False
            self._loop.remove_reader(self._listening)
            self._listening.close()

    def _look(self) -> None:
        """Accept whoever comes from now on."""
        if self._open:
            self._loop.add_reader(self._listening, self._accept)

    def _accept(self) -> None:
        """Accept those who wait, as far as there is room; the others stay in the system's queue."""
        while len(self._meeting) < self._at_once_max:
            try:
                connection, told = self._listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                _log.warning("listen: Nobody can be let in: %s.", error.strerror)
                self._loop.remove_reader(self._listening)
                self._loop.call_later(AGAIN_S, self._look)
                return
            connection.setblocking(False)
            peer = str(told[0])
            if self._greets and not is_within(address(peer), self._trusted):
                self._refuse(connection)
                continue
            task = self._loop.create_task(self._welcome(connection, peer))
            self._meeting.add(task)
            task.add_done_callback(self._over)
        self._loop.remove_reader(self._listening)

    def _over(self, task: asyncio.Task[None]) -> None:
        full = len(self._meeting) >= self._at_once_max
        self._meeting.discard(task)
        if full:
            self._look()

    async def _welcome(self, connection: socket.socket, peer: str) -> None:
        try:
            client = peer
            if self._greets:
                async with asyncio.timeout(self._greeting_s):
                    client = await read_greeting(connection) or peer
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._meet(connection, client)
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
