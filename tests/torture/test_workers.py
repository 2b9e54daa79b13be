"""Four workers on one node, and budgets that are as exact as with one.

One node runs for the whole file; each test has a principal and budgets of its own.
"""

import asyncio
import json
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from headgate.budgets.settings import Budget
from headgate.insights.books import check_books
from headgate.node.client import exchange
from headgate.node.messages import AskHealth, Health
from headgate.node.paths import journal_root
from headgate.store.database import open_store_readonly
from headgate.units.money import format_usd, parse_usd
from tests import stores
from tests.node.harness import TestNode, once, once_nanos, running_node, until
from tests.node.wire import CHAT, Call, Reply, chat, post, send_all
from tests.torture.checker import check, render
from tests.torture.crowd import stampede, streams

WORKERS = 4
BODY = chat("Count. [sim:tokens=20]", tokens=100)
LINES = chat(
    "Go on. [sim:tokens=60] [sim:delay_ms=3] [sim:chunk_tokens=2]", tokens=100, stream=True
)
PLACES = 6
FEW_PLACES = f"""
[deployments.few]
provider = "openai"
model = "gpt-5.4-mini"
concurrency_max = {PLACES}
"""
FEW = chat("Count. [sim:tokens=20]", model="few", tokens=100)
HOLD, STREAM_HOLD = 1_305_009, 1_345_509
"""What `BODY` and `LINES` are held at; a test sees that it is so."""
FITS = 137
STREAMS_FIT = 50
PEOPLE = {name: name for name in ("anna", "bert", "cleo", "dora", "emil")}
PEOPLE |= dict.fromkeys(("fred", "gwen"), "fund")
LIMITS = {
    "team:anna": FITS * HOLD + HOLD - 1,
    "team:bert": STREAMS_FIT * STREAM_HOLD,
    "team:cleo": 2_000 * STREAM_HOLD,
    "team:dora": 6 * HOLD,
    "team:fund": 20 * HOLD,
    "principal:gwen": 8 * HOLD,
}


def budgets() -> list[Budget]:
    """Return four levels, of which those of the teams are tight."""
    tight = [once_nanos(node, limit) for node, limit in LIMITS.items()]
    tight[-1] = tight[-1]._replace(carved_from=("team-fund",))
    ample = [once(f"principal:{name}", "1000") for name in PEOPLE if name != "gwen"]
    return [*tight, *ample, once("organisation", "1000"), once("run:*", "1000")]


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestNode]:
    """A node of four workers; its books are checked when it has stopped."""
    folder = tmp_path_factory.mktemp("workers")
    with running_node(
        folder, budgets=budgets(), principals=PEOPLE, workers=WORKERS, extra=FEW_PLACES
    ) as made:
        yield made
        assert made.stop() == 0
        left = [(each.held_nanos, each.lent_nanos) for each in made.standings()]
        assert set(left) == {(0, 0)}
    limits = {f"{node.replace(':', '-')}@once": limit for node, limit in LIMITS.items()}
    limits["principal-gwen~team-fund@once"] = limits.pop("principal-gwen@once")
    report = check(made.data_dir, made.bill, limits, several=True)
    assert not report.problems, render(report)
    engine = open_store_readonly(made.data_dir)
    assert not check_books(engine, journal_root(made.data_dir)).problems
    engine.dispose()


REFUSED = ("budget_exceeded", "budget_contended")


def outcomes(replies: list[Reply]) -> Counter[str]:
    """Count the replies: served, refused because of a budget, or the code of what else happened."""
    return Counter(
        "served"
        if reply.status == 200
        else "refused"
        if reply.code in REFUSED
        else f"{reply.status} {reply.code}"
        for reply in replies
    )


def crowd(node: TestNode, who: str, count: int, body: bytes = BODY) -> list[Call]:
    """Return so many calls of one run."""
    return [Call(CHAT, node.key(who), body, {"x-headgate-run": "r"}) for _ in range(count)]


def admit_exactly(node: TestNode, who: str, calls: int, fits: int) -> None:
    """Send calls of which a budget fits so many, at a provider that answers when all are decided.

    What was free again when they had ended is then lent to the last nano-dollar.
    """
    replies = asyncio.run(stampede(node, crowd(node, who, calls), fits))

    assert outcomes(replies) == {"served": fits, "refused": calls - fits}


def test_a_cap_admits_exactly_as_many_as_fit(node: TestNode) -> None:
    """137 of 400 calls at once, over four levels and four workers."""
    assert node.hold_nanos(BODY, CHAT, "emil") == HOLD
    admit_exactly(node, "anna", 400, FITS)


def test_what_lies_idle_at_one_worker_is_lent_to_another(node: TestNode) -> None:
    """Calls one after the other spend a budget to its last hold, whichever worker each meets.

    Each comes on a connection of its own, so that they go to all of the workers.
    """
    spent, code = 0, None
    while code != "budget_exceeded":
        reply = post(node.gateway_url, CHAT, node.key("dora"), BODY)
        code = reply.code
        if reply.status == 200:
            spent += parse_usd(reply.headers["x-headgate-cost-usd"])
        else:
            # A machine at its limits may let a worker answer late: then it is to be asked again.
            assert code in REFUSED, reply
    assert LIMITS["team:dora"] - spent < HOLD


def test_nobody_spends_what_is_set_aside_for_another(node: TestNode) -> None:
    """Of a fund for 20 calls fred has the 12 that gwen has not, and gwen all of hers after him."""
    admit_exactly(node, "fred", 30, 12)
    admit_exactly(node, "gwen", 20, 8)
    node.await_nothing_held()
    fund, own = node.standing("team:fund"), node.standing("principal:gwen")
    assert (own.limit_nanos, fund.carved_nanos) == (8 * HOLD, 8 * HOLD)
    assert 0 < fund.delegated_nanos == own.posted_nanos <= 8 * HOLD


def test_a_run_is_given_what_lies_idle_of_its_parents_money(node: TestNode) -> None:
    """Near its limit a run's money is all at one worker, and is recalled for a run below it."""
    told = {"run": "top", "budget_usd": format_usd(10 * HOLD)}
    assert tell(node, told).status == 200
    headers = {"x-headgate-run": "top"}
    assert post(node.gateway_url, CHAT, node.key("emil"), BODY, headers=headers).status == 200
    below = {"run": "below", "parent": "top", "budget_usd": format_usd(9 * HOLD)}

    reply = tell(node, below)

    if reply.code == "budget_contended":
        # A machine at its limits may let a worker answer late.
        reply = tell(node, below)
    assert reply.status == 200, reply


def tell(node: TestNode, told: dict[str, str]) -> Reply:
    """Tell of a run."""
    return post(node.gateway_url, "/v1/runs", node.key("emil"), json.dumps(told).encode())


class Watch:
    """Reads the store again and again, for the most that a budget has posted and held."""

    def __init__(self, node: TestNode, name: str) -> None:
        self._node, self._name = node, name
        self._over = threading.Event()
        self.most = 0
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.02):
            now = self._node.standing(self._name)
            self.most = max(self.most, now.posted_nanos + now.held_nanos)


def admit_streams(node: TestNode, who: str, count: int, fits: int) -> None:
    """Stream at once what a budget fits so many of; the store never says more than its limit."""
    with Watch(node, f"team:{who}") as watch:
        replies = asyncio.run(stampede(node, crowd(node, who, count, LINES), fits))
        node.await_nothing_held()

    assert outcomes(replies) == {"served": fits, "refused": count - fits}
    assert 0 < watch.most <= LIMITS[f"team:{who}"]


def test_streams_are_admitted_exactly(node: TestNode) -> None:
    """Fifty of 200 streams, and at no committed state more is posted and held than the limit."""
    assert node.hold_nanos(LINES, CHAT, "emil") == STREAM_HOLD
    admit_streams(node, "bert", 200, STREAMS_FIT)


def test_a_worker_that_is_stopped_for_a_while_leaves_the_books_right(node: TestNode) -> None:
    """Nobody takes its journal while it lives: when it goes on, its streams end as they should."""
    stopped = []
    going = threading.Timer(1.0, lambda: node.send_signal("worker-1", signal.SIGCONT))

    def stop() -> None:
        stopped.append(node.send_signal("worker-1", signal.SIGSTOP))
        going.start()

    replies = asyncio.run(streams(node, crowd(node, "cleo", 40, LINES), 200, stop))
    going.join()

    assert [reply.status for reply in replies] == [200] * 40
    assert all(reply.whole for reply in replies)
    node.await_nothing_held()
    assert node.pid("worker-1") == stopped[0]


def test_one_of_four_workers_is_killed_under_streams(node: TestNode) -> None:
    """The others' streams come whole; its own are posted at their holds, and nothing stays held."""
    before = node.standing("team:cleo").posted_nanos
    dead = []
    calls = crowd(node, "cleo", 40, LINES)
    replies = asyncio.run(streams(node, calls, 200, lambda: dead.append(node.kill("worker-2"))))
    node.await_successor("worker-2", dead[0])
    until(lambda: node.simulator.generating == 0, "the upstream has billed what it sent")
    node.await_nothing_held()

    whole = [reply for reply in replies if reply.whole]
    assert 0 < len(whole) < 40
    spent = node.standing("team:cleo").posted_nanos - before
    assert 0 < spent < 40 * STREAM_HOLD
    assert node.standing("team:cleo").unaccounted_nanos == 0


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str | None:
    """Where the books are: each store in turn, whichever the other tests run on."""
    return None if request.param == "sqlite" else stores.cluster().create_migrated()


@pytest.mark.slow
def test_a_cap_admits_exactly_137_of_2000(tmp_path: Path, store_url: str | None) -> None:
    """The same with 2,000 connections."""
    with running_node(
        tmp_path, budgets=budgets(), principals=PEOPLE, workers=WORKERS, store_url=store_url
    ) as node:
        admit_exactly(node, "anna", 2_000, FITS)
        assert node.stop() == 0
        limits = {"team-anna@once": LIMITS["team:anna"]}
        report = check(node.data_dir, node.bill, limits, several=True)
        assert not report.problems, render(report)


@pytest.mark.slow
def test_250_of_1000_streams_are_admitted(tmp_path: Path, store_url: str | None) -> None:
    """The same with 1,000 streams against a budget for 250."""
    limit = 250 * STREAM_HOLD
    tight = [*(each for each in budgets() if each.node != "team:bert")]
    tight.append(once_nanos("team:bert", limit))
    with running_node(
        tmp_path, budgets=tight, principals=PEOPLE, workers=WORKERS, store_url=store_url
    ) as node:
        with Watch(node, "team:bert") as watch:
            replies = asyncio.run(stampede(node, crowd(node, "bert", 1_000, LINES), 250))
            node.await_nothing_held()
        assert outcomes(replies) == {"served": 250, "refused": 750}
        assert 0 < watch.most <= limit
        assert node.stop() == 0
        report = check(node.data_dir, node.bill, {"team-bert@once": limit}, several=True)
        assert not report.problems, render(report)


def test_a_deployments_places_hold_for_the_node(node: TestNode) -> None:
    """Six of 24 calls at once reach a deployment of six places, whichever workers they came to.

    The others wait, and are served as places become free.
    """
    gate = node.simulator.gate
    gate.close()
    calls = [Call(CHAT, node.key("emil"), FEW) for _ in range(24)]

    async def send() -> list[Reply]:
        replies = asyncio.create_task(send_all(node.gateway_url, calls))
        assert await asyncio.to_thread(gate.wait, PLACES, 10)
        # A call too many would be there by now: its worker has had the time of a sweep.
        await asyncio.to_thread(until, lambda: queued(node) == 24 - PLACES, "the others wait")
        assert gate.waiting == PLACES
        gate.release()
        return await replies

    assert [reply.status for reply in asyncio.run(send())] == [200] * 24


def queued(node: TestNode) -> int:
    """Return how many calls wait for a place, as the workers have told the steward."""
    health = exchange(node.data_dir, AskHealth())
    assert isinstance(health, Health)
    return sum(row.waiting for row in health.queued)
