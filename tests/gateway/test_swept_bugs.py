"""What a bug of ours that the sweep meets at one call does to it, and to no other."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import pytest

from headgate.gateway.exchange import Exchange
from headgate.gateway.settings import SWEEP_MS
from headgate.gateway.sweep import sweep
from headgate.ledger.purse import LEASE_WAIT_MS
from headgate.records.approval import Told
from headgate.records.journal import Record, SettleRecord, VoidRecord
from tests.gateway.calls import call_of, chat, request
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.provider import Line, Provider, serve_always
from tests.gateway.staging import the_end
from tests.gateway.wire import Wire

TIME_MS = 700
CLIENTS = 6


async def silent(line: Line) -> None:
    """Take requests, and say nothing."""
    await line.closed()


@contextmanager
def asked(gateway: Gateway, *, phase: str) -> Iterator[list[tuple[Wire, Exchange]]]:
    """Have clients ask one after the other, until the calls of all are in a phase."""
    known: set[Exchange] = set(gateway.pipeline.exchanges)
    calls: list[tuple[Wire, Exchange]] = []

    def new() -> list[Exchange]:
        return [each for each in gateway.pipeline.exchanges - known if each.phase == phase]

    with ExitStack() as wires:
        for _ in range(CLIENTS):
            wire = wires.enter_context(Wire(gateway.port)).send(request(chat()))
            gateway.until(lambda: bool(new()), f"the call is in its phase: {phase}")
            (exchange,) = gateway.run(new)
            known.add(exchange)
            calls.append((wire, exchange))
        yield calls


def fail_at(
    patch: pytest.MonkeyPatch, part: object, name: str, faulty: Callable[[Exchange], bool]
) -> None:
    """Have a part fail at some calls."""
    usual = getattr(part, name)

    def act(exchange: Exchange, *arguments: object, **more: object) -> object:
        if faulty(exchange):
            raise ZeroDivisionError(name)
        return usual(exchange, *arguments, **more)

    patch.setattr(part, name, act)


def let_pass(gateway: Gateway, time_ms: int) -> set[Exchange]:
    """Sweep once when a time is over; returns the calls that are left then."""

    def run() -> set[Exchange]:
        pipeline = gateway.pipeline
        begun_ms = pipeline.coarse_ms
        sweep(pipeline, begun_ms + SWEEP_MS)
        sweep(pipeline, begun_ms + SWEEP_MS + time_ms)
        return set(pipeline.exchanges)

    return gateway.run(run)


def the_problem(gateway: Gateway) -> str:
    """Return the one bug that was told, and have it forgotten."""
    (problem,) = gateway.problems
    gateway.problems.clear()
    return problem


def test_a_bug_at_one_call_keeps_no_other_from_its_end(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others are ended in the same pass. It is told once, its client is let go, and its money
    stays held until the books take its end, which is tried at each sweep."""
    with Provider(silent) as provider:
        limit = f"first_byte_timeout_ms = {TIME_MS}"
        gateway = start(openai_url=provider.url, openai=limit)
        with asked(gateway, phase="reply") as calls, monkeypatch.context() as patch:
            (wire, faulty), *others = calls
            fail_at(patch, gateway.pipeline.world.books, "settle", lambda each: each is faulty)

            left = let_pass(gateway, TIME_MS)
            replies = [other.read() for other, _ in others]
            is_let_go = wire.is_closed()
            gateway.ticks(5)
            open_ones = gateway.pipeline.world.journal.holds_open
            problem = the_problem(gateway)
        gateway.until_idle()

    assert left == {faulty}
    assert {reply.code for reply in replies} == {"upstream_timeout"}
    assert is_let_go and open_ones == 1
    assert faulty.call in problem and "ZeroDivisionError" in problem
    (hold,) = gateway.holds(faulty.call)
    end = the_end(gateway, faulty.call)
    assert (end.state, end.amount_nanos) == ("estimated", hold.amount_nanos)


@pytest.mark.parametrize("end", [SettleRecord, VoidRecord])
def test_an_end_that_the_journal_did_not_take_is_written_by_the_sweep(
    start: Start, monkeypatch: pytest.MonkeyPatch, end: type[Record]
) -> None:
    """Until then its money is held: no hold is over that has no end in the journal."""
    refused: list[Record] = []
    with Provider(serve_always) as provider:
        gateway = start(openai_url=provider.url)
        journal, pipeline = gateway.pipeline.world.journal, gateway.pipeline
        usual = journal.append

        def append(record: Record) -> None:
            if isinstance(record, end) and len(refused) < 2:
                refused.append(record)
                raise ZeroDivisionError
            usual(record)

        monkeypatch.setattr(journal, "append", append)
        if end is VoidRecord:
            fail_at(monkeypatch, pipeline, "dispatch", lambda _each: True)
        with Wire(gateway.port) as wire:
            is_let_go = wire.send(request(chat())).is_closed()
        gateway.until_idle()
        gateway.problems.clear()

    assert is_let_go and len(refused) == 2
    assert [type(each) for each in gateway.ends(gateway.last_call())] == [end]


@pytest.mark.parametrize("phase", ["queue", "money", "approve"])
def test_a_bug_at_a_call_that_has_waited_too_long_keeps_no_other_waiting(
    start: Start, monkeypatch: pytest.MonkeyPatch, phase: str
) -> None:
    """Those behind it are sent away in the same pass, and it is ended by the next one."""
    wait_ms = {"money": LEASE_WAIT_MS}.get(phase, TIME_MS)
    with Provider(silent) as provider, ExitStack() as stack:
        gateway = start(openai_url=provider.url, **waiting(phase))
        if phase == "money":
            gateway.steward.silent = True
        if phase == "queue":
            take_the_place(gateway, stack)
        running = set(gateway.pipeline.exchanges)
        with asked(gateway, phase=phase) as calls, monkeypatch.context() as patch:
            (wire, faulty), *others = calls
            for _, exchange in calls:
                tell_pending(gateway, exchange)
            fail_at(patch, gateway.pipeline.endings, "refuse", lambda each: each is faulty)

            left = let_pass(gateway, wait_ms)
            replies = [other.read() for other, _ in others]
            reply = wire.read()
            the_problem(gateway)
        gateway.steward.silent = False
        for exchange in running:
            gateway.run(partial(exchange.timed_out, "connection_lost"))

    assert left == {faulty} | running
    assert (reply.status, reply.code) == (500, "internal_error")
    code = {"queue": "capacity_exhausted", "money": "ledger_unavailable"}
    assert {each.code for each in replies} == {code.get(phase, "approval_pending")}
    assert not gateway.ends(call_of(reply))


def waiting(phase: str) -> dict[str, str]:
    """Return the lines of a configuration by which calls wait in a phase."""
    if phase == "queue":
        limit = f"queue_wait_max_ms = {TIME_MS}"
        return {"deployment": "concurrency_max = 1", "limits": limit}
    if phase == "approve":
        rule = '[approvals.all]\nover_usd = "0"\napprovers = ["bob"]\n'
        return {"limits": f"approval_wait_max_ms = {TIME_MS}", "more": rule}
    return {}


def take_the_place(gateway: Gateway, stack: ExitStack) -> None:
    """Have a call take the only place there is, where calls take no time."""
    places = gateway.pipeline.world.targets["mini"].places
    gateway.run(lambda: setattr(places, "service_us", 1_000))
    stack.enter_context(Wire(gateway.port)).send(request(chat()))
    gateway.until(lambda: places.taken == 1, "a call has the place")


def tell_pending(gateway: Gateway, exchange: Exchange) -> None:
    """Have the steward say that nobody has decided about a call yet, if a person was asked."""
    permission, approvals = exchange.permission, gateway.pipeline.approvals
    if permission is not None and approvals is not None:
        told = Told(permission.approval, exchange.call, "pending")
        gateway.run(lambda: approvals.told(told))
