"""What is set aside for budgets: carved in time, in step with the file, and never twice."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine

from headgate.budgets.limits import Limits
from headgate.budgets.standing import Standing, standings
from headgate.config.load import load
from headgate.config.snapshot import Snapshot
from headgate.ledger.keeper import Keeper
from headgate.node.carving import CHANGE_NS, GRACE_NS, LOOK_NS, Carving
from headgate.node.lending import Lending
from headgate.node.messages import Message, Recall
from headgate.node.rules import Rules
from headgate.store.schema import METADATA
from headgate.units.instants import NANOS_PER_SECOND, from_datetime
from headgate.units.money import NANOS_PER_USD
from tests.lending import borrow, give_back
from tests.stores import open_test_store

FILE = """
[teams.search]
[principals.app]
team = "search"
[budgets.all]
node = "organisation"
limit_usd = "100"
[budgets.search]
node = "team:search"
period = "day"
limit_usd = "60"
carved_from = "all"
[budgets.app]
node = "principal:app"
period = "day"
limit_usd = "10"
carved_from = "search"
"""
MONTH = "all@2026-11"
NOON_NS = from_datetime(datetime(2026, 11, 26, 12, tzinfo=UTC))
MIDNIGHT_NS = from_datetime(datetime(2026, 11, 27, tzinfo=UTC))
USD = NANOS_PER_USD


class Nobody:
    """Whoever looks at the console."""

    def show(self, snapshot: Snapshot) -> None:
        """It is not looked at."""


class Desk:
    """A steward's books and what carves of them, by a configuration that may change."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine, self.folder = engine, folder
        self.said: list[tuple[str, Message]] = []
        self.failed: list[Exception] = []
        self.connected: set[str] = set()
        self.raised: dict[str, int] = {}
        self.write(FILE)
        self.rules = Rules(lambda path: load(path, {}), self.file, Nobody())  # type: ignore[arg-type]  # nothing else of it is used
        self.start()

    @property
    def file(self) -> Path:
        return self.folder / "headgate.toml"

    def write(self, text: str) -> None:
        self.file.write_text(text)

    def start(self) -> None:
        """Begin from the store, as a new steward does."""
        limits = Limits(self.rules.budgets, lambda name: self.raised.get(name, 0))
        self.keeper = Keeper(self.engine, self.folder / "journal", limits)
        limits.used = self.keeper.follow(limits.beside)
        lending = Lending(self.keeper, lambda *said: self.said.append(said), self.failed.append)
        self.carving = Carving(self.rules, limits, self.keeper, lending, self.connected)

    def reload(self, text: str, now_ns: int) -> None:
        self.write(text)
        self.rules.take_up(self.engine, self.file)
        self.carving.take_up(now_ns)

    def free(self, window: str = MONTH) -> int:
        """Return what is free of a window, in whole dollars."""
        account = self.keeper.book.account(window, self.keeper.source.limit(window))
        return account.free_nanos // USD

    def spend(self, window: str, dollars: int) -> None:
        borrow(self.keeper, "j", {window: dollars * USD})
        self.keeper.book.post("j", window, dollars * USD)

    def stand(self, now_ns: int) -> dict[str, Standing]:
        with self.engine.connect() as connection:
            budgets = self.rules.snapshot.budgets.values()
            return {each.id: each for each in standings(connection, budgets, now_ns, UTC)}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A store that the tests of this file empty, each for itself."""
    made = open_test_store(tmp_path_factory.mktemp("store"))
    yield made
    made.dispose()


@pytest.fixture
def desk(engine: Engine, tmp_path: Path) -> Desk:
    """At noon, with all carved that there is."""
    with engine.begin() as connection:
        for table in METADATA.sorted_tables:
            connection.execute(table.delete())
    made = Desk(engine, tmp_path)
    made.carving.look(NOON_NS)
    return made


def test_what_is_set_aside_is_nobody_elses(desk: Desk) -> None:
    """Of the month there is left what no child has, of a child what its own child has not."""
    assert (desk.free(), desk.free("search~all@2026-11-26")) == (40, 50)
    assert desk.free("app~search~all@2026-11-26") == 10
    stands = desk.stand(NOON_NS)
    assert stands["all"].carved_nanos == stands["search"].limit_nanos == 60 * USD
    assert stands["app"].limit_nanos == stands["search"].carved_nanos == 10 * USD


def test_a_new_steward_carves_nothing_twice(desk: Desk) -> None:
    """It finds in the store what the one before set aside."""
    desk.start()
    assert desk.free() == 40
    desk.carving.look(NOON_NS)
    assert desk.free() == 40


def test_a_day_gives_back_what_it_left_and_the_next_is_carved_before_it_begins(desk: Desk) -> None:
    """As much as there is; the rest follows when the day before is over."""
    desk.spend("app~search~all@2026-11-26", 4)
    desk.carving.look(MIDNIGHT_NS - NANOS_PER_SECOND)
    assert desk.free() == 0
    assert desk.free("search~all@2026-11-27") == 30
    assert desk.free("app~search~all@2026-11-27") == 10

    desk.carving.look(MIDNIGHT_NS + GRACE_NS)

    assert desk.free("search~all@2026-11-26") == 0
    assert desk.free("search~all@2026-11-27") == 50
    assert desk.free() == 100 - 4 - 60


def test_a_limit_that_is_lowered_or_raised_changes_what_is_set_aside(desk: Desk) -> None:
    """At once; a raise of a while is set aside for that while."""
    desk.reload(FILE.replace('"60"', '"25"'), NOON_NS)
    assert (desk.free(), desk.free("search~all@2026-11-26")) == (75, 15)

    desk.raised["search"] = 5 * USD
    desk.carving.look(NOON_NS + LOOK_NS)
    assert (desk.free(), desk.free("search~all@2026-11-26")) == (70, 20)


def test_a_limit_lowered_below_what_is_spent_keeps_what_is_spent(desk: Desk) -> None:
    """Above it counts what was used, which is more than the new limit; it lends nothing more."""
    desk.spend("search~all@2026-11-26", 30)
    desk.reload(FILE.replace('"60"', '"20"'), NOON_NS)
    assert desk.free() == 100 - 40
    assert desk.free("search~all@2026-11-26") == -20


def test_what_has_too_little_above_gets_what_there_is_and_then_the_rest(desk: Desk) -> None:
    """What is lent there and idle is recalled for it."""
    without = FILE.partition("[budgets.search]")[0]
    desk.reload(without, NOON_NS)
    desk.connected.clear()
    desk.carving.look(NOON_NS + LOOK_NS)
    desk.keeper.line.meet("j")
    desk.spend(MONTH, 30)
    borrow(desk.keeper, "j", {MONTH: 70 * USD})
    desk.reload(FILE, NOON_NS + LOOK_NS)
    assert desk.free("search~all@2026-11-26") == 0
    assert desk.stand(NOON_NS)["search"].limit_nanos == 0
    recalls = [said for who, said in desk.said if who == "j" and isinstance(said, Recall)]
    assert recalls[-1].windows == (MONTH,)
    desk.said.clear()
    for second in range(1, 100):
        # It has answered that all is in use.
        desk.keeper.line.returned("j", {}, recalls[-1].number)
        desk.carving.look(NOON_NS + second * LOOK_NS)
        recalls += [said for _, said in desk.said if isinstance(said, Recall)]
        desk.said.clear()
    assert len(recalls) < 10

    give_back(desk.keeper, "j", {MONTH: 70 * USD})
    desk.carving.look(NOON_NS + 100 * LOOK_NS)

    assert (desk.free(), desk.free("search~all@2026-11-26")) == (10, 50)


def test_who_is_carved_no_more_gives_back_when_the_old_workers_have_gone(desk: Desk) -> None:
    """They hold on it until they end; above it stays what was spent."""
    desk.connected.add("old")
    desk.spend("search~all@2026-11-26", 5)
    text = FILE.replace('carved_from = "all"\n', "").replace('carved_from = "search"\n', "")
    desk.reload(text, NOON_NS)
    desk.connected.add("new")
    desk.carving.look(NOON_NS + LOOK_NS)
    assert desk.free() == 40

    desk.connected.remove("old")
    desk.carving.look(NOON_NS + 2 * LOOK_NS)

    assert desk.free() == 95
    assert desk.free("search@2026-11-26") == 60


def test_who_is_carved_elsewhere_leaves_what_it_spent(desk: Desk) -> None:
    """Its window there begins anew; nothing is lost above, nor counted twice."""
    desk.spend("app~search~all@2026-11-26", 3)
    moved = FILE.replace('carved_from = "search"', 'carved_from = "all"')
    desk.reload(moved.replace('node = "team:search"', 'node = "team:default"'), NOON_NS)
    assert desk.free("search~all@2026-11-26") == 57
    assert desk.free("app~all@2026-11-26") == 10
    assert desk.free() == 30

    desk.reload(FILE, NOON_NS + LOOK_NS)

    assert desk.free("app~search~all@2026-11-26") == 7
    assert desk.free() == 40


def test_old_workers_are_waited_for_so_long(desk: Desk) -> None:
    """Then what they could still spend flows back, whether or not they live."""
    desk.connected.add("old")
    desk.reload(FILE.partition("[budgets.search]")[0], NOON_NS)
    assert desk.free() == 40

    desk.carving.look(NOON_NS + CHANGE_NS)

    assert desk.free() == 100
