"""Two attempts that race, in whatever order things happen: one answer, and each hold ends once."""

import asyncio
import queue
from collections.abc import Iterator
from typing import Any, Self

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headgate.gateway.cuts import cut
from headgate.records.journal import HoldRecord, SettleRecord, VoidRecord
from headgate.simulator import INSTANT, Options, Simulator, SimulatorThread
from headgate.store.disk import Disk
from tests.gateway.calls import config, request
from tests.gateway.hedges import NEVER_MS, body, earn, hedge_soon, hedged, until
from tests.gateway.inprocess import Gateway
from tests.gateway.provider import (
    STREAM_HEAD,
    Line,
    Provider,
    chunk,
    completion,
    event,
    last_events,
    whole,
)
from tests.gateway.test_failover import other
from tests.gateway.wire import ClosedError, Wire

PATIENCE_S = 10.0
CLOSE = "connection: close\r\n"
PIECES = {
    "answer": whole(completion(), headers=CLOSE),
    "error": whole(b'{"error": {"message": "no"}}', status=500, headers=CLOSE),
    "begin": STREAM_HEAD.replace(b"\r\n\r\n", f"\r\n{CLOSE}\r\n".encode()),
    "event": chunk(event()),
    "end": chunk(last_events()) + b"0\r\n\r\n",
    "half": b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{",
    "nonsense": b"nonsense\r\n\r\n",
}
STREAMED = (
    ("begin", "event", "end"),
    ("begin", "event", "event", "cut"),
    ("begin", "cut"),
    ("begin", "end"),
    ("error",),
    ("cut",),
    ("nonsense",),
    ("answer",),
    (),
)
PLAIN = (("answer",), ("half", "cut"), ("error",), ("cut",), ("nonsense",), ())
OTHERS = ("leave", "freeze first", "freeze second", "freeze both", "stop first", "stop second")


class Puppet:
    """A provider whose every byte the test says."""

    def __init__(self) -> None:
        self._lines: queue.SimpleQueue[Line] = queue.SimpleQueue()
        self._provider = Provider(self._talk)

    async def _talk(self, line: Line) -> None:
        await line.request()
        self._lines.put(line)
        await line.closed()

    def __enter__(self) -> Self:
        self._provider.__enter__()
        return self

    def __exit__(self, *why: Any) -> None:
        self._provider.__exit__(*why)

    @property
    def url(self) -> str:
        """Its base URL."""
        return self._provider.url

    def asked(self) -> Line:
        """Return the connection of the next request, once that has come."""
        return self._lines.get(timeout=PATIENCE_S)

    def do(self, line: Line, step: str) -> None:
        """Send a piece of a reply, or cut the connection."""

        async def act() -> None:
            if step == "cut":
                line.break_off()
            else:
                await line.send(PIECES[step])

        done = asyncio.run_coroutine_threadsafe(act(), self._provider._loop)
        # The gateway may have closed it by now.
        assert done.exception(PATIENCE_S) is None or isinstance(done.exception(), OSError)


@pytest.fixture(scope="module")
def puppets() -> Iterator[tuple[Puppet, Puppet]]:
    """The provider of the first attempt, and that of the second."""
    with Puppet() as first, Puppet() as second:
        yield first, second


@pytest.fixture(scope="module", params=[("drain", "process"), ("cancel", "power")])
def gateway(
    request: pytest.FixtureRequest,
    puppets: tuple[Puppet, Puppet],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Gateway]:
    """A gateway that drains those that lose, and one that closes them and waits for its disk."""
    policy, durability = request.param
    lines = f'on_disconnect = "{policy}"'
    first, second = (each.url for each in puppets)
    more = other("second", second, lines)
    more += hedged(first, then="second", provider=lines, after_ms=NEVER_MS)
    limits = "breaker_failures = 1000000\nretries_burst = 1000000"
    with SimulatorThread(seed=9, options=Options(pace=INSTANT)) as simulator:
        text = _config(simulator, limits, more)
        folder = tmp_path_factory.mktemp("races")
        with Gateway(folder, text, Disk(durability)) as running:
            yield running


def _config(simulator: Simulator, limits: str, more: str) -> str:
    return config(simulator.openai_url, simulator.anthropic_url, limits=limits, more=more)


def woven(draw: st.DrawFn, *lanes: tuple[str, ...]) -> list[tuple[int, str]]:
    """Return the steps of some lanes in one order, each lane's in its own."""
    left = [list(lane) for lane in lanes]
    woven: list[tuple[int, str]] = []
    while any(left):
        lane = draw(st.sampled_from([at for at, steps in enumerate(left) if steps]))
        woven.append((lane, left[lane].pop(0)))
    return woven


@st.composite
def races(draw: st.DrawFn) -> tuple[bool, list[tuple[int, str]]]:
    """Return whether a call is streamed, and what happens then, in order."""
    stream = draw(st.booleans())
    replies = st.sampled_from(STREAMED if stream else PLAIN)
    beside = st.lists(st.sampled_from(OTHERS), max_size=2).map(tuple)
    return stream, woven(draw, draw(replies), draw(replies), draw(beside))


def happen(gateway: Gateway, wire: Wire, step: str) -> None:
    """Have something happen that no provider does."""
    call, _, number = step.partition(" ")
    if call == "leave":
        wire.close()
        gateway.until(lambda: not gateway.pipeline.connections, "it has left")
        return

    def act() -> None:
        pipeline = gateway.pipeline
        if call == "freeze":
            nodes = {"first": "deployment:slow", "second": "deployment:second"}
            pipeline.frozen |= {nodes.get(number, "principal:alice")}
            cut(pipeline)
            return
        suffix = {"first": ".1", "second": ".2"}[number]
        for exchange in [each for each in pipeline.exchanges if each.attempt.endswith(suffix)]:
            # As the end of a worker has it.
            if exchange.phase in ("reply", "body"):
                exchange.timed_out("shutdown_timeout")

    gateway.run(act)


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(races())
def test_whatever_happens_each_attempt_ends_once_and_one_answer_is_read(
    gateway: Gateway,
    puppets: tuple[Puppet, Puppet],
    race: tuple[bool, list[tuple[int, str]]],
) -> None:
    """Nothing is held, taken or buffered in the end, and exactly one end is the last."""
    stream, steps = race
    gateway.run(lambda: setattr(gateway.pipeline, "frozen", frozenset()))
    gateway.heal()
    before = len(gateway.records())
    with Wire(gateway.port) as wire:
        wire.send(request(body(stream=stream)))
        lines = [puppets[0].asked()]
        until(gateway, "reply")
        earn(gateway, 20)
        hedge_soon(gateway)
        lines.append(puppets[1].asked())
        left = False
        for lane, step in steps:
            if lane < len(lines):
                puppets[lane].do(lines[lane], step)
            elif not left:
                happen(gateway, wire, step)
                left = step == "leave"
        for puppet, line in zip(puppets, lines, strict=True):
            puppet.do(line, "cut")
        answers = [] if left else read_all(gateway, wire)

    gateway.assert_settled()
    assert left or len(answers) == 1, answers
    records = gateway.records()[before:]
    held = [each.attempt for each in records if isinstance(each, HoldRecord)]
    ends = [each for each in records if isinstance(each, SettleRecord | VoidRecord)]
    assert [each.partition(".")[2] for each in held] == ["1", "2"]
    assert [each.final for each in ends] == [False, True]
    assert gateway.run(lambda: gateway.pipeline._buffered_bytes) == 0
    books: Any = gateway.pipeline.world.books
    assert not gateway.run(lambda: books._racing | books._lost)


def read_all(gateway: Gateway, wire: Wire) -> list[int]:
    """Return the statuses of all replies to the one request, once nothing runs any more."""
    found = []
    try:
        found.append(wire.read().status)
    except ClosedError as error:
        # It was cut in the midst of its only reply.
        assert error.received or found, "it was not answered"
        found.append(0)
    gateway.until_idle()
    while wire.is_readable(0):
        try:
            found.append(wire.read().status)
        except ClosedError as error:
            assert not error.received
            break
    return found
