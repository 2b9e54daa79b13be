"""How budgets stand: what allotments claim of them, however many there were and have ended."""

from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert

from headgate.budgets.settings import Budget
from headgate.budgets.standing import Standing, standings
from headgate.ledger import tables
from headgate.ledger.allotments import Allotment
from headgate.ledger.store_allotments import keep
from headgate.store.migrate import open_store

BUDGETS = (
    Budget("all", "organisation", "once", 1_000),
    Budget("team", "team:research", "once", 500),
    Budget("runs", "run:*", "once", 90),
)
ABOVE = ("all@once", "team@once")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Connection]:
    """A store of its own."""
    engine = open_store(tmp_path)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def carve(
    store: Connection,
    name: str,
    amount: int,
    used: tuple[int, int] = (0, 0),
    *,
    above: tuple[str, ...] = ABOVE,
    ended: bool = False,
) -> tuple[str, ...]:
    """Carve a delegation's allotment of which something is posted and unaccounted; returns it."""
    window = f"agent:alice/{name}@once"
    own = Allotment(window, amount, above, "alice", (name,), f"agent:alice/{name}")
    return _keep(store, own, used, ended=ended)


def _keep(
    store: Connection, own: Allotment, used: tuple[int, int], *, ended: bool
) -> tuple[str, ...]:
    keep(store, own, 1)
    if ended:
        over = tables.allotment.c.window == own.window
        store.execute(tables.allotment.update().where(over).values(ended_ns=2))
    if any(used):
        _use(store, own.window, *used)
    return (own.window,)


def _use(store: Connection, window: str, posted: int, lost: int = 0) -> None:
    row = {"window": window, "budget": window.partition("/")[0]}
    sums = {"posted_nanos": posted, "held_nanos": 0, "unaccounted_nanos": lost}
    store.execute(insert(tables.window).values(**row, **sums))


def stand(store: Connection, *runs: str) -> dict[str, Standing]:
    """Return how the budgets stand, and some runs; without any, all there are."""
    found = standings(store, BUDGETS, 3, UTC, runs=runs or None)
    return {each.id: each for each in found}


def test_of_those_that_have_ended_what_was_used_counts(store: Connection) -> None:
    """Each in every window that it was carved from; of one that lasts the whole does."""
    carve(store, "lasts", 100, (30, 0))
    carve(store, "over", 100, (20, 5), ended=True)
    carve(store, "never", 100, ended=True)
    carve(store, "other", 100, (7, 0), above=("all@once",), ended=True)

    found = stand(store)

    assert (found["all"].carved_nanos, found["team"].carved_nanos) == (132, 125)
    assert (found["all"].delegated_nanos, found["team"].delegated_nanos) == (57, 50)
    assert (found["all"].free_nanos, found["team"].free_nanos) == (868, 375)
    assert [name for name in found if name.startswith("agent:")] == ["agent:alice/lasts"]


def test_what_was_used_below_counts_once_on_the_way_up(store: Connection) -> None:
    """Of a chain of allotments that have ended, or of which the upper one has, or lasts."""
    ended = carve(store, "ended", 100, (10, 0), ended=True)
    carve(store, "ended/low", 50, (4, 1), above=ended, ended=True)
    carve(store, "ended/lasts", 30, (2, 0), above=ended)
    lasts = carve(store, "lasts", 200, (20, 0))
    carve(store, "lasts/low", 50, (3, 0), above=lasts, ended=True)

    found = stand(store)

    assert found["team"].carved_nanos == (10 + 5 + 30) + 200
    assert found["team"].delegated_nanos == (10 + 4 + 2) + (20 + 3)
    own = found["agent:alice/lasts"]
    assert (own.carved_nanos, own.free_nanos) == (3, 200 - 20 - 3)


def test_a_run_that_has_ended_keeps_the_limit_it_was_told_of_with(store: Connection) -> None:
    """Looked at by its name or among all; one without a budget of its own has the usual one."""
    own = Allotment("runs/alice/own@once", 40, (), "alice", (), "run:alice/own")
    _keep(store, own, (5, 0), ended=True)
    _use(store, "runs/alice/usual@once", 5)

    every = stand(store)
    named = stand(store, "runs/alice/own@once", "runs/alice/usual@once", "runs/alice/new@once")

    assert every["runs/alice/own"].limit_nanos == named["runs/alice/own"].limit_nanos == 40
    assert every["runs/alice/usual"].free_nanos == named["runs/alice/usual"].free_nanos == 85
    assert named["runs/alice/new"].free_nanos == 90 and "runs/alice/new" not in every
