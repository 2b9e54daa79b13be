"""Whose a descriptor is: the loop's transport closes it, once, and nobody closes it after that."""

import asyncio
import gc
import socket
import subprocess
import sys
from typing import cast

import uvloop

from headgate.dial.dialer import Dialer
from headgate.dial.resolver import Resolver


class Gone(asyncio.Protocol):
    """A connection that is over before anybody else hears that it is open.

    As one is that the other side resets at once.
    """

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be over."""
        cast(asyncio.Transport, transport).abort()


async def _dial_and_reuse(port: int) -> list[bytes]:
    """Open connections that are over at once; what others read then who got their descriptors."""
    dialer = Dialer("127.0.0.1", port, Resolver())
    read = []
    for _ in range(20):
        await dialer.open(Gone)
        one, other = socket.socketpair()
        with one, other:
            gc.collect(1)  # What is new: all that tests have made takes it a second.
            one.send(b"here")
            read.append(other.recv(4))
    return read


def test_a_connection_that_is_over_at_once_takes_no_descriptor_of_others_with_it() -> None:
    """Its number is given to the next who opens something, whose connection would be closed."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            read = runner.run(_dial_and_reuse(listening.getsockname()[1]))

    assert read == [b"here"] * 20


_DIAL_AND_COUNT = """
import asyncio, os, sys, uvloop
from headgate.dial.dialer import Dialer
from headgate.dial.resolver import Resolver
async def dial():
    await Dialer(sys.argv[1], int(sys.argv[2]), Resolver()).open(asyncio.Protocol)
    print(len(os.listdir("/proc/self/task")))
uvloop.run(dial())
"""


def test_no_thread_is_begun_to_reach_an_address() -> None:
    """A process with threads pays for each system call; a name has to be looked up in one."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = str(listening.getsockname()[1])
        address, name = (
            int(subprocess.check_output([sys.executable, "-c", _DIAL_AND_COUNT, host, port]))
            for host in ("127.0.0.1", "localhost")
        )

    assert address == 1
    assert name > 1
