"""Cascades whose client may not go on, or is gone: nobody gets what was verified on the way."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from headgate.records.journal import SettleRecord, VoidRecord
from tests.gateway.calls import chat, request
from tests.gateway.cascades import FORMAT, MINI, MORE, asked, says
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.recording import Recording
from tests.gateway.test_cuts import freeze, in_phase
from tests.gateway.wire import Wire

SLOW = """
[providers.silent]
kind = "openai"
base_url = "https://127.0.0.1:{port}/v1"
seller = "openai"
[deployments.slow]
provider = "silent"
model = "gpt-5.4"
[routes.late]
deployments = ["mini", "slow"]
policy = "form"
"""


@pytest.fixture(scope="module")
def provider() -> Iterator[Recording]:
    """A provider that says what it is told to."""
    with Recording() as one:
        yield one


@contextmanager
def at_the_second_step(start: Start, provider: Recording) -> Iterator[tuple[Gateway, Wire]]:
    """A call whose first answer did not pass, and whose second step never gets a connection."""
    provider.answers, seen = [says("no")], len(provider.bodies)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        more = MORE + SLOW.format(port=silent.getsockname()[1])
        gateway = start(openai_url=provider.server.url, more=more)
        with Wire(gateway.port) as wire:
            wire.send(request(chat(model="late", response_format=FORMAT)))
            gateway.until(lambda: len(provider.bodies) > seen, "the first step is asked")
            in_phase(gateway, "connect")
            yield gateway, wire
        gateway.until_idle()
    assert asked(provider)[seen:] == [MINI]


def states(gateway: Gateway) -> list[str]:
    """Return how the attempts ended, and that only the last one says that nothing follows."""
    ends = [each for each in gateway.records() if isinstance(each, SettleRecord | VoidRecord)]
    assert [each.final for each in ends] == [False, True]
    return [each.state if isinstance(each, SettleRecord) else each.reason for each in ends]


def test_who_is_frozen_gets_no_reply_that_waited(start: Start, provider: Recording) -> None:
    """The first step is paid, the second void, and the client is told why."""
    with at_the_second_step(start, provider) as (gateway, wire):
        assert freeze(gateway, "principal:alice") == 1
        reply = wire.read()

    assert reply.status == 403
    assert reply.header("x-headgate-code") == "frozen"
    assert states(gateway) == ["measured", "frozen"]


def test_a_client_that_leaves_ends_it(start: Start, provider: Recording) -> None:
    """Nothing more is asked, and nothing stays held."""
    with at_the_second_step(start, provider) as (gateway, wire):
        wire.close()
        gateway.until_idle()

    assert states(gateway) == ["measured", "client_gone"]
