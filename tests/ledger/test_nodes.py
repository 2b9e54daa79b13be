"""Nodes that share a store: together they lend what there is, once, whatever each of them does."""

import random
from collections.abc import Iterator
from datetime import UTC
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select

from headgate.budgets.limits import Limits
from headgate.budgets.settings import Budget, Calendar
from headgate.budgets.store_periods import keep_periods, kept_limits
from headgate.insights.books_shared import shared_problems
from headgate.ledger.allotments import BUDGET, Allotment
from headgate.ledger.fold import Movement
from headgate.ledger.keeper import Keeper
from headgate.ledger.line import WAIT_MS, Borrowing, Need
from headgate.ledger.node_tables import node_lease, pool
from headgate.ledger.store_nodes import Among
from headgate.store.migrate import open_server
from tests import stores
from tests.lending import give_back

LIMIT = 1_000
WINDOWS = ("team@once", "all@once")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """A store for several nodes."""
    made = open_server(stores.cluster().create_migrated())
    yield made
    made.dispose()


def source(keeper: Keeper) -> Among:
    """Return what a keeper borrows from."""
    assert isinstance(keeper.source, Among)
    return keeper.source


def keeper(engine: Engine, folder: Path, node: str) -> Keeper:
    """Return a keeper as the steward of a node makes it."""
    return Keeper(engine, folder / node, lambda _window: LIMIT, node)


def lend(keeper: Keeper, journal: str, window: str, need: int, want: int = 0) -> int:
    """Ask for money as a worker does, and wait where there is none; returns what is lent."""
    wants = {window: want} if want else {}
    keeper.line.borrow(journal, Borrowing([Need(1, (window,), need)], wants, {}, {}), 0)
    keeper.lend(0)
    keeper.lend(WAIT_MS)
    lease = keeper.book.account(window, source(keeper).limit(window)).leases.get(journal)
    return 0 if lease is None else lease.granted_nanos


def counted(engine: Engine, window: str) -> tuple[int, int]:
    """Return what the store counts of a window, and what its nodes' leases sum up to."""
    with engine.connect() as connection:
        used = connection.scalar(select(pool.c.counted_nanos).where(pool.c.window == window))
        own = func.greatest(
            node_lease.c.granted_nanos, node_lease.c.posted_nanos + node_lease.c.lost_nanos
        )
        leases = connection.scalar(select(func.sum(own)).where(node_lease.c.window == window))
    return used or 0, leases or 0


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["lend", "post", "overage", "return", "restart"]),
        st.integers(0, 2),
        st.sampled_from(WINDOWS),
        st.integers(1, 300),
        st.integers(0, 10),
    ),
    max_size=25,
)


@given(steps=STEPS)
@settings(max_examples=15)
def test_together_nodes_never_lend_more_than_there_is(
    engine: Engine,
    tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[str, int, str, int, int]],
) -> None:
    """After each step: what counts of all leases is what the store says, and within the limit.

    Only what providers billed beyond a hold may exceed it.
    """
    folder = tmp_path_factory.mktemp("nodes")
    with engine.begin() as connection:
        for table in (pool, node_lease):
            connection.execute(table.delete())
    nodes = [keeper(engine, folder, f"n{number}") for number in range(3)]
    beyond = dict.fromkeys(WINDOWS, 0)
    for step, number, window, need, want in steps:
        made = nodes[number]
        if step == "lend":
            lend(made, f"j{number}", window, need, want)
        elif step == "return":
            with engine.begin() as connection:
                source(made).return_idle(connection, [window])
        elif step == "restart":
            nodes[number] = keeper(engine, folder, f"n{number}")
        elif step == "post" or step == "overage":
            posted = source(made)._leases.get(window)
            room = 0 if posted is None else posted.granted_nanos - posted.posted_nanos
            amount = min(need, max(0, room)) if step == "post" else max(0, room) + need
            beyond[window] += 0 if step == "post" else need
            with engine.begin() as connection:
                source(made).moved(connection, {window: Movement(0, amount)})
        for each in WINDOWS:
            used, leases = counted(engine, each)
            assert used == leases
            assert used <= LIMIT + beyond[each]


def test_the_last_nano_is_lent_once(engine: Engine, tmp_path: Path) -> None:
    """What one node was lent the other is not, until it comes back."""
    window = "last@once"
    first, second = (keeper(engine, tmp_path, name) for name in ("first", "second"))

    assert lend(first, "j1", window, 600) == 600
    assert lend(second, "j2", window, 400) == 400
    give_back(first, "j1", {window: 500})
    assert lend(second, "j2", window, 200) == 400
    with engine.begin() as connection:
        source(first).return_idle(connection, [window])
    assert lend(second, "j2", window, 200) == 600
    assert counted(engine, window) == (700, 700)


def test_an_allotment_is_carved_once_and_flows_back(engine: Engine, tmp_path: Path) -> None:
    """Whichever node carves, uses or ends it: above it counts its amount, then what was used."""
    above, own = "above@once", "agent:alice/a~1@once"
    allotment = Allotment(own, 800, (above,), "alice", ("d",), "agent:alice/a")
    first, second = (keeper(engine, tmp_path, name) for name in ("third", "fourth"))

    assert first.carve([allotment], 1) == []
    assert second.carve([allotment], 2) == []
    (short,) = second.carve([allotment._replace(window="agent:alice/b~2@once")], 3)
    assert short.left_nanos == 200
    assert lend(second, "j1", own, 500) == 800
    assert lend(first, "j2", above, 200) == 200
    first.end_allotments(lambda _each: True, 4)
    assert lend(second, "j1", own, 100) == 800
    assert lend(first, "j2", above, 400) == 200
    give_back(second, "j1", {own: 500})
    second.end_allotments(lambda _each: True, 5)
    with engine.begin() as connection:
        source(second).return_idle(connection, [own])
    assert lend(first, "j2", above, 400) == 600


def is_of(window: str, allotment: Allotment) -> bool:
    """Tell whether an allotment is that of a window."""
    return allotment.window == window


@pytest.mark.parametrize("seed", range(3))
def test_what_is_set_aside_for_budgets_is_counted_alike(
    engine: Engine, tmp_path: Path, seed: int
) -> None:
    """Whichever node changes, uses, ends or begins it anew, with what it last knew of it."""
    chance, top = random.Random(seed), f"top{seed}@once"
    nodes = [keeper(engine, tmp_path, f"{name}{seed}") for name in ("fifth", "sixth")]
    upper = Allotment(f"up~{top}", 0, (top,), "", (), f"{BUDGET}up")
    lower = Allotment(f"low~up~{top}", 0, (upper.window,), "", (), f"{BUDGET}low")
    nodes[0].set_aside([upper], 1)
    for number in range(40):
        at = chance.randrange(2)
        made, own = nodes[at], chance.choice([upper, lower])
        match chance.choice(["fit", "fit", "lend", "lend above", "return", "end"]):
            case "fit":
                parents = chance.choice([own.parents, (top,)])
                amount = chance.randint(0, 700)
                made.set_aside([own._replace(amount_nanos=amount, parents=parents)], number)
            case "lend" if own.window in made.allotments:
                lend(made, f"j{at}", own.window, chance.randint(1, 200))
            case "lend above":
                lend(made, f"j{at}", top, chance.randint(1, 200))
            case "return":
                with engine.begin() as connection:
                    source(made).return_idle(connection, None)
            case "end":
                made.end_allotments(partial(is_of, own.window), number)
        with engine.connect() as connection:
            claimed = [each for each in shared_problems(connection) if "claim" in each]
            assert [each for each in claimed if f" {top} " in each or f"~top{seed}@" in each] == []
            used = connection.execute(select(pool).where(pool.c.window == top)).one_or_none()
        assert used is None or used.counted_nanos + used.carved_nanos <= LIMIT


def test_what_another_node_began_anew_is_lent_as_it_is_now(engine: Engine, tmp_path: Path) -> None:
    """A node that knew more of it borrows no more than that has now: above, nothing else counts."""
    top = "anew@once"
    one, two = (keeper(engine, tmp_path, name) for name in ("seventh", "eighth"))
    own = Allotment(f"low~{top}", 600, (top,), "", (), f"{BUDGET}low")
    two.set_aside([own], 1)
    two.end_allotments(partial(is_of, own.window), 2)
    one.set_aside([own._replace(amount_nanos=100)], 3)

    lend(two, "j2", own.window, 300)

    with engine.connect() as connection:
        above = connection.scalar(select(pool.c.carved_nanos).where(pool.c.window == top))
    assert above == 100


def test_no_two_nodes_give_the_same_id(engine: Engine, tmp_path: Path) -> None:
    """Callers and routes of all nodes stand in the same tables."""
    with engine.connect() as connection:
        given = [source(keeper(engine, tmp_path, name)).ids(connection) for name in ("a", "b")]
        ids = [next(each) for _ in range(1_500) for each in given]
    assert len(set(ids)) == len(ids)


def among(
    engine: Engine,
    folder: Path,
    node: str,
    budget: Budget,
    made: list[Limits] | None = None,
) -> Keeper:
    """Return a keeper of a node with one budget."""
    limits = Limits({budget.id: budget})
    found = Keeper(engine, folder / node, limits, node)
    limits.used = found.follow(limits.beside)
    if made is not None:
        made.append(limits)
    return found


@pytest.mark.parametrize("later", [1, 24])
def test_a_rolling_budget_counts_what_every_node_has_used(
    engine: Engine, tmp_path: Path, later: int
) -> None:
    """What one has spent within the hours before another cannot spend; behind them it can."""
    budget = Budget("rolls", "organisation", "rolling", LIMIT, calendar=Calendar(hours=24))
    names = {1: ("r1", "r2"), 24: ("r3", "r4")}[later]
    first, second = (among(engine, tmp_path, name, budget) for name in names)
    slots = [f"{budget.id}@24h-{1_000 * later + each}" for each in (0, later, 25)]

    assert lend(first, "j1", slots[0], 700) == 700
    assert lend(second, "j2", slots[1], 400) == 0
    assert lend(second, "j2", slots[1], 300) == 300
    assert lend(first, "j1", slots[0], 1) == 700
    assert lend(second, "j2", slots[2], 700) == 700


def test_a_period_leaves_what_no_node_has_used(engine: Engine, tmp_path: Path) -> None:
    """Half of a day was used at another node: half of it is added to the next, here as there."""
    budget = Budget("days", "organisation", "day", LIMIT, carry_nanos_max=LIMIT)
    limits: list[Limits] = []
    keepers = [among(engine, tmp_path, name, budget, limits) for name in ("d1", "d2")]
    first, second = keepers
    day_ns = 24 * 3_600 * 10**9
    with engine.begin() as connection:
        for each, keeper_of in zip(limits, keepers, strict=True):
            keep_periods(connection, [budget], each, 0, UTC, keeper_of.source.look)
    assert lend(first, "j1", "days@1970-01-01", 500) == 500
    with engine.begin() as connection:
        for each, keeper_of in zip(limits, keepers, strict=True):
            keep_periods(connection, [budget], each, day_ns, UTC, keeper_of.source.look)
        assert kept_limits(connection, ["days@1970-01-02"]) == {"days@1970-01-02": 1_500}

    assert lend(second, "j2", "days@1970-01-02", 1_501) == 0
    assert lend(second, "j2", "days@1970-01-02", 1_500) == 1_500
    assert lend(first, "j1", "days@1970-01-01", 1) == 500
