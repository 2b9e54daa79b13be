"""Clients that stream again and again, while things happen to those who serve them.

Each request has a name of its own: the journal has it as the `request_id` of its hold, and the bill
as `called`, so that every charge is held against its own attempt, whoever died meanwhile.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from typing import Any

from tests.node.harness import TestNode
from tests.node.wire import CHAT, MESSAGES, RESPONSES, Call, Reply, chat, message, response, send
from tests.torture.stages import Stage

CLIENTS = 12
TEXT = "Go on. [sim:tokens=60] [sim:delay_ms=40] [sim:chunk_tokens=4] [sim:called={name}]"
DIALECTS: tuple[tuple[str, Callable[..., bytes]], ...] = (
    (CHAT, chat),
    (MESSAGES, message),
    (RESPONSES, response),
)
PIECES_MAX, WAITS_S_MAX = 150, (0.5, 5.0)
"""Until the next blow: so many pieces of replies at most, and no longer than one of these.

The shorter lets blows fall while nobody serves yet, the longer while there are streams again.
"""
PAUSE_S = 0.05
"""Before a client that was not served asks again."""
END_S = 180.0


class Crowd:
    """Clients of all nodes of a stage, half of them at each if there are two.

    Args:
        stage: Whom they call.
        names: Names for their requests.

    Attributes:
        replies: What they got.
    """

    def __init__(self, stage: Stage, names: Iterator[str]) -> None:
        self._stage, self._names = stage, names
        self._over = asyncio.Event()
        self._left = 0
        self._enough = asyncio.Event()
        self.replies: list[Reply] = []

    async def under(self, act: Callable[["Crowd"], Coroutine[Any, Any, None]]) -> list[Reply]:
        """Do something while they stream; then wait until their last streams have ended."""
        nodes = self._stage.nodes
        clients = [
            asyncio.create_task(self._stream_on(nodes[at % len(nodes)], *DIALECTS[at % 3]))
            for at in range(CLIENTS)
        ]
        try:
            await act(self)
        finally:
            self._over.set()
        async with asyncio.timeout(END_S):
            await asyncio.gather(*clients)
        return self.replies

    async def moment(self, chance: random.Random) -> None:
        """Wait for any moment: some pieces of replies, or some time when nothing comes."""
        self._enough.clear()
        self._left = chance.randrange(PIECES_MAX)
        wait_s = chance.random() * chance.choice(WAITS_S_MAX)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._enough.wait(), wait_s)

    def _told(self, _piece: bytes) -> None:
        self._left -= 1
        if self._left <= 0:
            self._enough.set()

    async def _stream_on(self, node: TestNode, path: str, body: Callable[..., bytes]) -> None:
        while not self._over.is_set():
            name = next(self._names)
            text = TEXT.format(name=name)
            sent = body(text, tokens=100, stream=True)
            call = Call(path, node.key(), sent, {"x-request-id": name}, self._told)
            reply = await send(node.gateway_url, call)
            self.replies.append(reply)
            if reply.status != 200:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._over.wait(), PAUSE_S)
