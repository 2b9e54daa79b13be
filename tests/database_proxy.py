"""A network between a node and its database that can be cut, stalled and healed.

The database is reached over its Unix socket, the proxy over TCP on a free port of loopback.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

PORT_NAME = ".s.PGSQL.5432"
PIECE_BYTES = 65_536


class DatabaseProxy:
    """Passes bytes both ways, while it is not told otherwise; its loop runs in a thread.

    Args:
        folder: Where the database has its socket.
    """

    def __init__(self, folder: Path) -> None:
        self._socket = str(folder / PORT_NAME)
        self._loop = asyncio.new_event_loop()
        self._refusing = False
        self._flow = asyncio.Event()
        self._flow.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    def cut(self) -> None:
        """Reset every connection, and each new one."""
        self._do(self._cut)

    def reset(self) -> None:
        """Reset every connection; new ones pass."""
        self._do(self._reset)

    def stall(self) -> None:
        """Pass nothing on, of old connections and of new ones, but keep them open."""
        self._do(self._flow.clear)

    def forget(self) -> None:
        """Never pass anything on of the connections that there are; new ones pass."""
        self._do(self._forget)

    def heal(self) -> None:
        """Be a network again; what was stalled goes on."""
        self._do(self._heal)

    def _do(self, what: Callable[[], None]) -> None:
        done = threading.Event()

        def act() -> None:
            what()
            done.set()

        self._loop.call_soon_threadsafe(act)
        assert done.wait(5)

    def _cut(self) -> None:
        self._refusing = True
        self._reset()

    def _reset(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    def _forget(self) -> None:
        self._flow.clear()
        self._flow = asyncio.Event()
        self._flow.set()

    def _heal(self) -> None:
        self._refusing = False
        self._flow.set()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            writer.transport.abort()
            return
        # Those that were forgotten wait for an event that nobody sets any more.
        flow = self._flow
        try:
            from_database, to_database = await asyncio.open_unix_connection(self._socket)
        except OSError:
            # The database is down: to its clients it looks like a refused connection.
            writer.transport.abort()
            return
        ends = {writer, to_database}
        self._writers |= ends
        ways = (
            asyncio.create_task(_pass_on(reader, to_database, flow)),
            asyncio.create_task(_pass_on(from_database, writer, flow)),
        )
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            for end in ends:
                end.transport.abort()
            self._writers -= ends

    def _run(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        serving = asyncio.start_server(self._accept, "127.0.0.1", 0)
        server = self._loop.run_until_complete(serving)
        self.port = server.sockets[0].getsockname()[1]
        ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    @contextlib.contextmanager
    def running(self) -> Iterator["DatabaseProxy"]:
        """Run it."""
        ready = threading.Event()
        thread = threading.Thread(target=self._run, args=(ready,))
        thread.start()
        assert ready.wait(5)
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, flow: asyncio.Event
) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(PIECE_BYTES):
            await flow.wait()
            writer.write(piece)
            await writer.drain()
