"""What tests of stages have in common: one client, one call, and the stages one by one."""

from collections.abc import Iterator
from contextlib import contextmanager

from headgate.gateway.client.edge import ClientConnection
from headgate.gateway.exchange import Exchange
from headgate.records.journal import HoldRecord, SettleRecord
from tests.gateway.calls import ask, chat
from tests.gateway.inprocess import Gateway
from tests.gateway.provider import Line, completion, whole
from tests.gateway.wire import Wire


async def once(line: Line) -> None:
    """Answer the first request of a connection, and leave all others to the test."""
    await line.request()
    await line.send(whole(completion()))
    await line.closed()


def client_of(gateway: Gateway) -> ClientConnection:
    """Return the one connection of a client."""
    (client,) = gateway.pipeline.connections
    return client


def exchange_of(gateway: Gateway) -> Exchange:
    """Return the one call."""
    (exchange,) = gateway.pipeline.exchanges
    return exchange


def holds(gateway: Gateway) -> list[str]:
    """Return the calls that were held, in order."""
    return [each.call for each in gateway.records() if isinstance(each, HoldRecord)]


@contextmanager
def connected(gateway: Gateway, clients: int = 1) -> Iterator[list[Wire]]:
    """Have clients connected, before whom a call has left a kept connection to the provider."""
    assert ask(gateway, chat()).status == 200
    gateway.until(lambda: not gateway.pipeline.connections, "the one before has left")
    wires = [Wire(gateway.port) for _ in range(clients)]
    try:
        gateway.until(lambda: len(gateway.pipeline.connections) == clients, "all are connected")
        yield wires
    finally:
        for wire in wires:
            wire.close()


def through(gateway: Gateway, *stages: str) -> None:
    """Take the calls of this turn through some stages."""
    for stage in stages:
        getattr(gateway.pipeline.stages, f"_{stage}")()


def the_end(gateway: Gateway, call: str) -> SettleRecord:
    """Return how the only attempt of a call ended."""
    (end,) = gateway.ends(call)
    assert isinstance(end, SettleRecord)
    return end
