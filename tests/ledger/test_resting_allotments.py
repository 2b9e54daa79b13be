"""Allotments that have ended rest in the store, and what is above them counts as it did before."""

from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from sqlalchemy import Engine

from headgate.insights.books import check_books
from headgate.ledger.allotments import Allotment
from headgate.ledger.keeper import Keeper
from headgate.ledger.line import Borrowing, Need
from headgate.records.journal import AdjustmentRecord, CallerRecord, SealedRecord
from tests.ledger.test_journal import end, hold
from tests.ledger.test_keeper import write
from tests.lending import borrow, give_back
from tests.stores import open_test_store

ROOT = "team@2026-11"
LIMIT = 1_000
TREE = {"a": ROOT, "b": ROOT, "a1": "a", "a2": "a", "a11": "a1", "alone": None}
NAMES = tuple(TREE)


def window(name: str) -> str:
    """Return the window of an allotment of the tree, or the one above all."""
    return name if name == ROOT else f"run/alice/{name}@once"


def allotment(name: str, amount: int) -> Allotment:
    """Return an allotment of the tree."""
    above = TREE[name]
    parents = () if above is None else (window(above),)
    return Allotment(window(name), amount, parents, "alice", (), f"run:alice/{name}")


class Step(NamedTuple):
    """Something that happens to an allotment."""

    what: str
    name: str
    amount: int


STEPS = st.builds(
    Step,
    st.sampled_from(["carve", "spend", "spend", "end", "correct", "refuse", "restart"]),
    st.sampled_from(NAMES),
    st.integers(1, 400),
)


class History:
    """A keeper, and what should be counted, kept apart."""

    def __init__(self, root: Path, engine: Engine) -> None:
        self.root, self.engine = root, engine
        callers = [
            CallerRecord(number, "alice", "research", "alice", (window(name),))
            for number, name in enumerate(NAMES, 2)
        ]
        write(root, "j1", *callers)
        self.amounts: dict[str, int] = {}
        self.ended: set[str] = set()
        self.posted: Counter[str] = Counter()
        self.numbers = 0
        self.keeper = self.opened()

    def opened(self) -> Keeper:
        """Return a keeper as a new steward makes it."""
        made = Keeper(self.engine, self.root / "journal", lambda _window: LIMIT)
        made.discover()
        made.fold()
        return made

    def used(self, name: str) -> int:
        """Return what is used of a window, computed from what happened."""
        below = [each for each in self.amounts if TREE[each] == name]
        return self.posted[name] + sum(self.claim(each) for each in below)

    def claim(self, name: str) -> int:
        """Return what an allotment takes from the one above it."""
        used = self.used(name)
        return used if name in self.ended else max(self.amounts[name], used)

    def free(self, name: str) -> int:
        """Return what may still be lent."""
        if name in self.ended:
            return 0
        return self.amounts.get(name, LIMIT) - self.used(name)

    def do(self, step: Step) -> None:
        """Let something happen, if it can."""
        self.numbers += 1
        getattr(self, f"do_{step.what}")(step.name, step.amount)

    def do_carve(self, name: str, amount: int) -> None:
        """Told again, an allotment is as it was, whether or not it has ended."""
        above = TREE[name]
        if above in TREE and above not in self.amounts:
            self.do_carve(above, 2 * amount)
            if above not in self.amounts:
                return
        shorts = self.keeper.carve([allotment(name, amount)], self.numbers)
        if name in self.amounts:
            assert shorts == []
        elif above is not None and self.free(above) < amount:
            assert [short.left_nanos for short in shorts] == [self.free(above)]
        else:
            assert shorts == []
            self.amounts[name] = amount

    def do_spend(self, name: str, amount: int) -> None:
        """A worker is lent of it, spends a part, and gives back the rest."""
        if name not in self.amounts:
            self.do_carve(name, amount)
        amount = min(amount, self.free(name))
        if name not in self.amounts or amount <= 0:
            return
        lent = borrow(self.keeper, "j1", {window(name): amount})[window(name)]
        held = replace(hold(self.numbers), caller=2 + NAMES.index(name), amount_nanos=amount)
        posted = amount - amount // 3
        for record in (held, replace(end(self.numbers), amount_nanos=posted)):
            self.keeper.journals["j1"].reader.append(record)
            self.keeper.fold()
        give_back(self.keeper, "j1", {window(name): lent - posted})
        self.keeper.end_small("j1", (window(name),))
        self.posted[name] += posted

    def do_end(self, name: str, _amount: int) -> None:
        """It is over."""
        ended = self.keeper.end_allotments(lambda each: each.window == window(name), self.numbers)
        assert ended == (name in self.amounts and name not in self.ended)
        if name in self.amounts:
            self.ended.add(name)

    def do_correct(self, name: str, amount: int) -> None:
        """What it has used is corrected, up or down."""
        if name in self.amounts and self.posted[name]:
            nanos = amount // 40 if amount % 2 else -1
            epoch, windows = f"steward-{self.numbers}", (window(name),)
            record = AdjustmentRecord(epoch, 9, nanos, windows, "reconciled", "a report", "b")
            write(self.root, epoch, record, SealedRecord(2, last=True))
            self.keeper.discover()
            self.keeper.fold()
            self.posted[name] += nanos

    def do_refuse(self, name: str, _amount: int) -> None:
        """A call wants more than there ever was."""
        need = Need(1, (window(name),), 2 * LIMIT)
        self.keeper.line.borrow("j9", Borrowing([need], {}, {}, {}), 0)
        assert len(self.keeper.lend(0).outcomes) == 1

    def do_restart(self, _name: str, _amount: int) -> None:
        """Another steward goes on."""
        self.keeper = self.opened()

    def agrees(self, keeper: Keeper) -> None:
        """Check what a keeper counts, and what it keeps in memory for it."""
        for name in (ROOT, *self.amounts):
            assert keeper.book.used(window(name)) == self.used(name), name
        inner = {TREE[each] for each in self.amounts}
        for name in self.ended - inner:
            assert window(name) not in keeper.book.windows
            assert window(name) not in keeper.allotments


@given(steps=st.lists(STEPS, min_size=5, max_size=25))
@settings(max_examples=30, deadline=None)
def test_what_rests_counts_as_it_did(steps: list[Step]) -> None:
    """However allotments are carved, spent, corrected and ended: above them it is counted once."""
    with TemporaryDirectory() as folder:
        engine = open_test_store(Path(folder))
        history = History(Path(folder), engine)
        for step in steps:
            history.do(step)
            history.agrees(history.keeper)
        history.agrees(history.opened())
        assert check_books(engine, Path(folder) / "journal").equal
        engine.dispose()
