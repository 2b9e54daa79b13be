"""Connections that are met before they are served: so many at a time, and nobody is turned away."""

import asyncio
import socket

from headgate.gateway.listener.meeting import MeetingServer
from headgate.gateway.settings import Edge

AT_ONCE = 2
PATIENCE_S = 10


def test_who_finds_no_room_waits_until_a_handshake_is_over() -> None:
    """So many handshakes run at once; when one ends, the next connection has its turn."""
    asyncio.run(handshakes())


async def handshakes() -> None:
    """Let three connect where two may be at their handshake."""
    begun: asyncio.Queue[asyncio.Event] = asyncio.Queue()
    met: list[socket.socket] = []

    async def meet(connection: socket.socket, _client: str) -> None:
        met.append(connection)
        over = asyncio.Event()
        begun.put_nowait(over)
        await over.wait()

    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    server = MeetingServer(listening, Edge(), meet, 16, AT_ONCE)
    address = listening.getsockname()
    clients = [socket.create_connection(address, PATIENCE_S) for _ in range(AT_ONCE + 1)]
    async with asyncio.timeout(PATIENCE_S):
        first = await begun.get()
        second = await begun.get()
        # So many turns of the loop that whoever could be accepted would have been.
        for _ in range(20):
            await asyncio.sleep(0)
        assert begun.empty()
        first.set()
        third = await begun.get()
        for each in (second, third):
            each.set()
    server.close()
    assert [each.getpeername() for each in met] == [each.getsockname() for each in clients]
    for line in (*met, *clients):
        line.close()
