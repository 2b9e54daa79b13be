"""Allotments: carved whole or not at all, never counted twice, and what is left flows back."""

import random
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, Engine, delete

from headgate.budgets.settings import Budget
from headgate.budgets.standing import Standing, standings
from headgate.insights.books import check_books
from headgate.ledger import tables
from headgate.ledger.allotments import Allotment, Short, allotment_window
from headgate.ledger.book import LeaseBook
from headgate.ledger.keeper import Keeper
from headgate.ledger.store_allotments import Allotments
from headgate.records.journal import CallerRecord
from headgate.store.database import make_engine
from headgate.store.schema import METADATA
from tests.ledger.test_journal import end, hold
from tests.ledger.test_keeper import write
from tests.lending import borrow, give_back
from tests.stores import open_test_store

ROOT = "team@once"
LIMIT = 1_000
BUDGET = Budget("team", "team:research", "once", LIMIT)


def allotment(name: str, amount: int, *parents: str) -> Allotment:
    """Return an allotment of a delegation whose chain is itself alone."""
    window = allotment_window(f"agent:alice/{name}", name * 32)
    return Allotment(window, amount, parents or (ROOT,), "alice", (name,), f"agent:alice/{name}")


@pytest.fixture
def connection() -> Iterator[Connection]:
    """A store in memory, in one transaction."""
    engine = make_engine("sqlite://")
    METADATA.create_all(engine)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


class History:
    """Random carving, lending, posting and ending, and what should be counted, kept apart."""

    def __init__(self, connection: Connection, seed: int) -> None:
        self.chance = random.Random(seed)
        self.connection = connection
        self.book = LeaseBook()
        self.allotments = Allotments(self.book, lambda _window: LIMIT)
        self.book.account(ROOT, LIMIT)
        self.carved: dict[str, Allotment] = {}
        self.ended: set[str] = set()
        self.lent: dict[str, int] = {}
        self.posted: dict[str, int] = {}

    def claim(self, window: str) -> int:
        """Return what a window takes of the one above it, computed from what happened."""
        used = self.lent.get(window, 0) + sum(
            self.claim(each.window) for each in self.carved.values() if window in each.parents
        )
        if window == ROOT or window in self.ended:
            return used
        return max(self.carved[window].amount_nanos, used)

    def free(self, window: str) -> int:
        limit = LIMIT if window == ROOT else self.carved[window].amount_nanos
        used = self.lent.get(window, 0) + sum(
            self.claim(each.window) for each in self.carved.values() if window in each.parents
        )
        return 0 if window in self.ended else limit - used

    def step(self, number: int) -> None:
        window = self.chance.choice([ROOT, *self.carved])
        amount = self.chance.randint(0, 300)
        match self.chance.choice(("carve", "fit", "lend", "post", "give back", "end")):
            case "carve":
                wanted = allotment(f"a{number}", amount, window)
                fits = amount <= self.free(window)
                refused = self.allotments.carve(self.connection, [wanted], number)
                assert refused == (
                    [] if fits else [Short(wanted.window, window, self.free(window))]
                )
                if fits:
                    self.carved[wanted.window] = wanted
            case "fit" if window != ROOT:
                self.fit(window, amount)
            case "lend":
                free = self.free(window)
                before = self.lent.get(window, 0)
                self.book.account(window, self.allotments.limit(window))
                cost = self.book.cost("j", window, amount)
                assert cost == amount
                if cost <= free:
                    self.book.lend("j", window, amount)
                    self.lent[window] = before + amount
            case "post" if self.lent.get(window):
                idle = self.lent[window] - self.posted.get(window, 0)
                part = self.chance.randint(0, idle)
                self.book.post("j", window, part)
                self.posted[window] = self.posted.get(window, 0) + part
            case "give back" if self.lent.get(window):
                self.lent[window] = self.book.give_back("j", window, amount)
            case "end" if window != ROOT and window not in self.ended:
                self.allotments.end(self.connection, [self.carved[window]], number)
                self.ended.add(window)

    def fit(self, window: str, amount: int) -> None:
        """Change an allotment, perhaps one that has ended, perhaps to be carved elsewhere."""
        others = [each for each in (ROOT, *self.carved) if not self.is_below(each, window)]
        parent = self.chance.choice([*self.carved[window].parents, *others])
        stays, claim = parent in self.carved[window].parents, self.claim(window)
        room = max(0, self.free(parent))
        wanted = self.carved[window]._replace(amount_nanos=amount, parents=(parent,))
        if not stays and claim > room:
            assert self.allotments.fit(self.connection, wanted, 1) == 0
            self.ended.add(window)
            return
        fits = min(amount, room + (claim if stays else 0))
        assert self.allotments.fit(self.connection, wanted, 1) == fits
        assert self.allotments.has(wanted) == (fits == amount)
        self.carved[window] = wanted._replace(amount_nanos=fits)
        self.ended.discard(window)

    def is_below(self, window: str, above: str) -> bool:
        """Tell whether a window is another, or is carved from it however indirectly."""
        if window in (above, ROOT):
            return window == above
        return any(self.is_below(each, above) for each in self.carved[window].parents)

    def check(self) -> None:
        for window in (ROOT, *self.carved):
            assert self.book.windows[window].free_nanos == self.free(window)
        assert self.free(ROOT) >= 0

    def check_kept(self) -> None:
        """What the store has is what a new steward counts."""
        again = Allotments(LeaseBook(), lambda _window: LIMIT)
        again.load(self.connection)
        known = {each.window for each in again.lasting(lambda _each: True)}
        assert known == self.carved.keys() - self.ended
        assert all(again.has(self.carved[window]) for window in known)


@pytest.mark.parametrize("seed", range(10))
def test_no_level_is_ever_promised_twice(connection: Connection, seed: int) -> None:
    """After any history posted + lent + carved is within every limit, exactly as counted apart.

    When all is over, what was posted anywhere below the root counts there, once.
    """
    history = History(connection, seed)
    for number in range(150):
        history.step(number)
        history.check()
        if number % 50 == 0:
            history.check_kept()

    history.allotments.end(connection, list(history.carved.values()), 1_000)
    for window in history.lent:
        if "j" in history.book.windows[window].leases:
            history.book.close("j", window, trusted=True)

    assert history.book.windows[ROOT].used_nanos == sum(history.posted.values())


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A store of its own."""
    made = open_test_store(tmp_path)
    yield made
    made.dispose()


def keeper(engine: Engine, tmp_path: Path) -> Keeper:
    """Return a keeper as a new steward makes it."""
    made = Keeper(engine, tmp_path / "journal", lambda _window: LIMIT)
    made.discover()
    return made


def stand(engine: Engine) -> dict[str, Standing]:
    """Return the windows as people see them, by node."""
    with engine.connect() as connection:
        return {each.node: each for each in standings(connection, [BUDGET], 1, UTC)}


def free(made: Keeper, window: str = ROOT) -> int:
    return made.book.account(window, made.allotments.limit(window)).free_nanos


BY_DELEGATE = replace(hold(1), caller=2)


def caller(own: Allotment) -> CallerRecord:
    """Return who is held on an allotment."""
    return CallerRecord(2, "alice", "research", "alice", (own.window,))


CHILD = allotment("child", 600)
GRANDCHILD = allotment("grandchild", 500, CHILD.window)


def test_a_carved_allotment_outlives_the_steward(engine: Engine, tmp_path: Path) -> None:
    """A new steward counts what the one before carved, and carves nothing twice."""
    assert keeper(engine, tmp_path).carve([CHILD, GRANDCHILD], 1) == []

    after = keeper(engine, tmp_path)

    assert after.carve([CHILD, GRANDCHILD], 2) == []
    assert (free(after), free(after, CHILD.window)) == (400, 100)
    assert free(after, GRANDCHILD.window) == 500


def test_what_does_not_fit_is_carved_nowhere(engine: Engine, tmp_path: Path) -> None:
    """Of two windows above, the smaller refuses, and the larger has lost nothing."""
    limits = {ROOT: 100, "organisation@once": LIMIT}
    made = Keeper(engine, tmp_path / "journal", limits.get)
    wanted = allotment("child", 101, "organisation@once", ROOT)

    assert made.carve([wanted], 1) == [Short(wanted.window, ROOT, 100)]
    assert free(made, "organisation@once") == LIMIT
    assert borrow(made, "j1", {wanted.window: 50}) == {wanted.window: 0}


def test_what_is_left_flows_back(engine: Engine, tmp_path: Path) -> None:
    """When a delegation is over, what it used stays counted above it, and the rest is free."""
    write(tmp_path, "j1", caller(CHILD), BY_DELEGATE, end(1))
    made = keeper(engine, tmp_path)
    made.carve([CHILD], 1)
    borrow(made, "j1", {CHILD.window: 100})
    made.fold()
    assert free(made) == LIMIT - 600
    assert stand(engine)["team:research"].carved_nanos == 600

    assert made.end_allotments(lambda each: each.window == CHILD.window, 2) == 1
    # The worker owns the whole of it until it gives the rest back.
    assert free(made) == LIMIT - 600
    assert borrow(made, "j1", {CHILD.window: 200}) == {CHILD.window: 600}
    give_back(made, "j1", {CHILD.window: 593})

    for each in (made, keeper(engine, tmp_path)):
        assert free(each) == LIMIT - 7
    assert stand(engine)["team:research"].free_nanos == LIMIT - 7
    assert CHILD.node not in stand(engine)


def test_what_ends_because_it_fits_nowhere_else_is_recalled(engine: Engine, tmp_path: Path) -> None:
    """Lent and unused it would count, and keep the allotment from fitting."""
    made = Keeper(engine, tmp_path / "journal", {ROOT: LIMIT, "other@once": 100}.get)
    own = Allotment("app~team@once", 600, (ROOT,), "", (), "budget:app")
    made.set_aside([own], 1)
    write(tmp_path, "j1", CallerRecord(2, "alice", "research", "alice", (own.window,)))
    made.discover()
    made.line.meet("j1")
    borrow(made, "j1", {own.window: 500})
    elsewhere = own._replace(parents=("other@once",))

    assert made.set_aside([elsewhere], 2) == [elsewhere]

    (recall,) = made.line.recalls()
    assert (recall.journal, recall.windows) == ("j1", (own.window,))
    give_back(made, "j1", {own.window: 500})
    assert made.set_aside([elsewhere], 3) == [elsewhere]
    assert (free(made), free(made, own.window)) == (LIMIT, 100)


def test_standings_say_what_is_carved_at_every_level(engine: Engine, tmp_path: Path) -> None:
    """Each level shows what was carved of it, and a child's spending is within that."""
    write(tmp_path, "j1", caller(GRANDCHILD), BY_DELEGATE, end(1))
    made = keeper(engine, tmp_path)
    made.carve([CHILD, GRANDCHILD], 1)
    made.fold()

    found = stand(engine)

    assert (found["team:research"].carved_nanos, found["team:research"].free_nanos) == (600, 400)
    assert (found[CHILD.node].carved_nanos, found[CHILD.node].free_nanos) == (500, 100)
    assert found["team:research"].delegated_nanos == found[CHILD.node].delegated_nanos == 7
    assert (found[GRANDCHILD.node].posted_nanos, found[GRANDCHILD.node].free_nanos) == (7, 493)


def test_the_check_of_the_books_knows_allotments(engine: Engine, tmp_path: Path) -> None:
    """Books with delegations are equal; money spent on what nobody carved is found."""
    write(tmp_path, "j1", caller(CHILD), BY_DELEGATE, end(1))
    made = keeper(engine, tmp_path)
    made.carve([CHILD], 1)
    made.fold()
    assert check_books(engine, tmp_path / "journal").problems == ()

    with engine.begin() as connection:
        connection.execute(delete(tables.allotment))

    assert check_books(engine, tmp_path / "journal").problems == (
        f"{CHILD.window} was never carved.",
    )
