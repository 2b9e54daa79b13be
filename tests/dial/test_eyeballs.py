"""Several addresses: the first that answers is taken, and nobody waits long for a dead one."""

import asyncio
import itertools
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import cast

import pytest
import uvloop
from hypothesis import given
from hypothesis import strategies as st

from headgate.dial.dialer import Dialer
from headgate.dial.eyeballs import ATTEMPT_DELAY_S, interleaved
from headgate.dial.failures import DialError
from headgate.dial.resolver import Address, Resolver

ADDRESSES = st.lists(
    st.builds(
        Address,
        st.sampled_from([socket.AF_INET, socket.AF_INET6]),
        st.tuples(st.text(max_size=3), st.integers(0, 9)),
    ),
    min_size=1,
    max_size=12,
)


@given(ADDRESSES)
def test_families_take_turns(addresses: list[Address]) -> None:
    """Nobody is lost, each family keeps its order, and they alternate while both are there."""
    found = interleaved(addresses)

    for family in (socket.AF_INET, socket.AF_INET6):
        of_family = [each for each in addresses if each.family == family]
        assert [each for each in found if each.family == family] == of_family
    families = {each.family for each in addresses}
    fewer = min(sum(each.family == one for each in addresses) for one in families)
    if len(families) == 2:
        head = found[: 2 * fewer]
        assert all(one.family != two.family for one, two in itertools.pairwise(head))
    assert found[0] == addresses[0]


class Silent(asyncio.Protocol):
    """A connection that says nothing."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self.closed = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """Note it."""
        assert exc is None
        self.closed.set()


@pytest.fixture
def black_hole() -> Iterator[Address]:
    """An address that answers nothing: its backlog is full, so the system drops who comes."""
    with ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.2", 0))
        full.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        yield Address(socket.AF_INET, full.getsockname())


@pytest.fixture
def good() -> Iterator[Address]:
    """An address that is connected to at once."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield Address(socket.AF_INET, listening.getsockname())


@pytest.fixture
def closed() -> Address:
    """An address that refuses."""
    with socket.socket() as gone:
        gone.bind(("127.0.0.1", 0))
        return Address(socket.AF_INET, gone.getsockname())


def dialled(*addresses: Address, times: int = 1) -> list[tuple[Address, float]]:
    """Return which address each of some connections went to, and how long it took."""

    async def look_up(_host: str, _port: int) -> Sequence[Address]:
        return addresses

    async def run() -> list[tuple[Address, float]]:
        dialer = Dialer("a.example", 1, Resolver(lookup=look_up))
        found = []
        for _ in range(times):
            began_s = time.monotonic()
            opened = await dialer.open(Silent)
            took_s = time.monotonic() - began_s
            peer = opened.transport.get_extra_info("peername")
            family = opened.transport.get_extra_info("socket").family
            found.append((Address(family, tuple(peer)), took_s))
            opened.transport.close()
            await opened.closed.wait()
        return found

    return uvloop.run(run())


def test_a_silent_address_costs_a_quarter_of_a_second_once(
    black_hole: Address, good: Address
) -> None:
    """The next one is tried beside it, and for the next connection it comes first."""
    (first, took_s), (second, later_s) = dialled(black_hole, good, times=2)

    assert first == second == good
    assert took_s >= ATTEMPT_DELAY_S
    assert later_s < ATTEMPT_DELAY_S


def test_an_address_that_refuses_costs_nothing(closed: Address, good: Address) -> None:
    """The next one is tried at once."""
    ((found, took_s),) = dialled(closed, good)

    assert found == good
    assert took_s < ATTEMPT_DELAY_S


def test_the_other_family_is_tried(black_hole: Address) -> None:
    """A machine whose IPv4 leads nowhere is reached over IPv6."""
    with socket.socket(socket.AF_INET6) as listening:
        try:
            listening.bind(("::1", 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
        listening.listen()
        six = Address(socket.AF_INET6, listening.getsockname())
        ((found, _),) = dialled(black_hole, black_hole, six)

    assert found == six


def test_when_all_refuse_the_first_says_why(closed: Address) -> None:
    """The reason is the system's, and stands for all of them."""
    with pytest.raises(DialError) as caught:
        dialled(closed, closed)

    assert caught.value.reason == "connect: Connection refused"
