"""Which of several addresses is connected to: the first that answers (RFC 8305).

It is known as "happy eyeballs".
"""

import asyncio
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from headgate.dial.resolver import Address

ATTEMPT_DELAY_S = 0.25
"""So long an address is tried alone before the next one is tried beside it (section 8)."""
ADDRESSES_MAX = 8

Connect = Callable[[Address], Awaitable[socket.socket]]


def interleaved(addresses: Sequence[Address]) -> list[Address]:
    """Return the addresses with families in turn, beginning with the first one's (section 4)."""
    first = [each for each in addresses if each.family == addresses[0].family]
    other = [each for each in addresses if each.family != addresses[0].family]
    pairs = zip(first, other, strict=False)
    paired = [each for pair in pairs for each in pair]
    fewer = min(len(first), len(other))
    return [*paired, *first[fewer:], *other[fewer:]]


async def race(
    addresses: Sequence[Address], connect: Connect, delay_s: float = ATTEMPT_DELAY_S
) -> socket.socket:
    """Return the socket of the first address that could be connected to; the others are closed.

    Args:
        addresses: In the order in which they are tried; at least one.
        connect: Connects to one, and closes its socket when it fails or is cancelled.
        delay_s: How long each has before the next one joins; one that fails lets it join at once.

    Raises:
        OSError: None could be connected to: why the first could not.
    """
    if len(addresses) == 1:
        return await connect(addresses[0])
    waiting, failures = deque(addresses[:ADDRESSES_MAX]), []
    running: set[asyncio.Task[socket.socket]] = set()
    loop = asyncio.get_running_loop()
    try:
        while waiting or running:
            if waiting:
                running.add(loop.create_task(_one(connect, waiting.popleft())))
            timeout_s = delay_s if waiting else None
            done, _ = await asyncio.wait(
                running, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                running.discard(task)
                error = task.exception()
                if error is None:
                    return task.result()
                failures.append(error)
    finally:
        for task in running:
            _give_up(task)
    raise failures[0]


async def _one(connect: Connect, address: Address) -> socket.socket:
    return await connect(address)


def _give_up(task: asyncio.Task[socket.socket]) -> None:
    """Close what was, or is about to be, connected too late."""
    if not task.cancel() and not task.cancelled() and task.exception() is None:
        task.result().close()
