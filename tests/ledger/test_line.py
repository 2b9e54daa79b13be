"""The line of those who wait for money: who comes first, who is recalled, who is refused."""

import random
from collections import deque

import pytest

from headgate.ledger.book import LeaseBook
from headgate.ledger.line import WAIT_MS, Borrowing, Grant, Line, Need, Outcome
from headgate.ledger.purse import Purse, Short, Waiting
from headgate.ledger.recalls import TAKES_MS, Recall
from headgate.node.steward import FOLD_S

TEAM, ROOT, RUN = "team@once", "root@once", "each/alice/r@once"


class Lender:
    """A line over windows of given limits, and what it says."""

    def __init__(self, **limits: int) -> None:
        self.limits = {f"{name}@once": limit for name, limit in limits.items()}
        self.book = LeaseBook()
        self.line = Line(self.book, lambda window: self.limits.get(window, 1_000))
        self.number = 0
        for journal in ("w0", "w1"):
            self.line.meet(journal)

    def need(self, journal: str, amount: int, *windows: str, now_ms: int = 0) -> int:
        """Let a call wait; returns the id of its need."""
        self.number += 1
        need = Need(self.number, windows or (TEAM,), amount)
        self.line.borrow(journal, Borrowing([need], {}, {}, {}), now_ms)
        return self.number

    def decide(self, now_ms: int = 0) -> dict[int, Outcome]:
        """Return what is decided, by need."""
        outcomes = {each.need: each for each in self.line.decide(now_ms)}
        self.line.grants()
        return outcomes

    def lend(self, journal: str, amount: int, *windows: str) -> None:
        """Lend at once."""
        need = self.need(journal, amount, *windows)
        assert self.decide()[need].window is None


def test_a_small_need_never_overtakes_a_large_one() -> None:
    """What is free is kept for who came first, until that one is decided."""
    lender = Lender(team=100)
    lender.lend("w1", 60)
    large = lender.need("w0", 80)
    small = lender.need("w0", 10)

    assert lender.decide() == {}
    (recall,) = lender.line.recalls()
    assert recall == Recall("w1", recall.number, (TEAM,))
    lender.line.returned("w1", {TEAM: 60}, recall.number)
    decided = lender.decide()
    assert [need for need, each in decided.items() if each.window is None] == [large, small]


def test_the_last_word_of_a_worker_may_come_when_its_journal_is_closed() -> None:
    """It was read to its end before the worker was heard: all it had is free, and stays so."""
    lender = Lender(team=100)
    lender.lend("w1", 60)
    lender.line.changed.clear()
    lender.book.close("w1", TEAM, trusted=True)

    lender.line.returned("w1", {TEAM: 60})

    assert lender.line.changed == set()
    assert lender.book.windows[TEAM].free_nanos == 100


def test_who_comes_later_is_served_where_it_takes_nothing_from_the_first() -> None:
    """A need that waits holds up no window that it does not name."""
    lender = Lender(team=100, root=1_000)
    lender.lend("w1", 60)
    lender.need("w0", 80)
    other = lender.need("w0", 10, ROOT)

    assert lender.decide() == {other: Outcome("w0", other)}


def test_needs_that_name_windows_in_opposite_order_do_not_block_each_other() -> None:
    """Nothing is kept for who waits but its place, so the first gets all, and then the second."""
    lender = Lender(team=100, root=100)
    lender.lend("w0", 60, TEAM)
    lender.lend("w1", 60, ROOT)
    first = lender.need("w0", 70, TEAM, ROOT)
    second = lender.need("w1", 30, ROOT, TEAM)

    assert lender.decide() == {}
    for recall in lender.line.recalls():
        lender.line.returned(recall.journal, dict.fromkeys(recall.windows, 60), recall.number)
    # What w0 had of the team's window it gives back with its need, as a purse does.
    lender.line.returned("w0", {TEAM: 60})
    decided = lender.decide()
    assert {need: each.window for need, each in decided.items()} == {first: None, second: None}


def test_a_need_is_refused_when_everybody_has_answered() -> None:
    """With what is left, and not before an answer that was sent since it came."""
    lender = Lender(team=100)
    lender.lend("w1", 90)
    need = lender.need("w0", 20)
    assert lender.decide() == {}
    (recall,) = lender.line.recalls()
    later = lender.need("w0", 30)
    lender.line.returned("w1", {TEAM: 5}, recall.number)

    assert lender.decide() == {need: Outcome("w0", need, TEAM, 15)}
    (again,) = lender.line.recalls()
    lender.line.returned("w1", {}, again.number)
    assert lender.decide() == {later: Outcome("w0", later, TEAM, 15)}


@pytest.mark.parametrize(
    ("held", "at_ms"),
    [(0, TAKES_MS), (90, TAKES_MS), (0, TAKES_MS - WAIT_MS - 1)],
    ids=["idle", "held, as its journal says", "just lent to a call"],
)
def test_a_worker_that_does_not_answer_is_waited_for_so_long(held: int, at_ms: int) -> None:
    """Then the refusal says whether the money is there, in its hands, or in use."""
    lender = Lender(team=100)
    lender.lend("w1", 90)
    lender.book.post("w1", TEAM, 0, held)
    need = lender.need("w0", 20, now_ms=at_ms)
    assert lender.decide(at_ms + WAIT_MS - 1) == {}
    lender.line.recalls()

    idle = not held and at_ms == TAKES_MS
    outcome = Outcome("w0", need, TEAM, 10, contended=idle)
    assert lender.decide(at_ms + WAIT_MS) == {need: outcome}


def test_nobody_is_refused_for_having_waited_before_all_is_heard() -> None:
    """Of two that were asked one is heard late; what the other has said may be enough."""
    lender = Lender(team=100)
    lender.line.meet("w2")
    lender.lend("w1", 10)
    lender.lend("w2", 80)
    need = lender.need("w0", 50)
    assert lender.decide() == {}
    first, second = lender.line.recalls()
    lender.line.returned("w1", {TEAM: 10}, first.number)
    assert lender.line.decide(WAIT_MS, heard=False) == []

    lender.line.returned("w2", {TEAM: 80}, second.number)

    assert lender.line.decide(WAIT_MS, heard=False) == [Outcome("w0", need)]


def test_what_was_lent_to_a_call_is_on_its_way_until_it_is_held() -> None:
    """Whether it is held still or not: what the call has left of it may come back."""
    lender = Lender(team=100)
    lender.lend("w1", 90)
    lender.book.post("w1", TEAM, 5, 0)
    lender.line.recalled.holds("w1", TEAM, 90)
    need = lender.need("w0", 20)
    assert lender.decide() == {}

    assert lender.decide(WAIT_MS) == {need: Outcome("w0", need, TEAM, 10, contended=True)}


def test_no_more_are_told_to_come_again_than_there_may_be_money_for() -> None:
    """Of four that waited while nobody answered, two; for the others it is used up."""
    lender = Lender(team=100)
    lender.lend("w1", 90)
    lender.book.post("w1", TEAM, 0, 50)
    needs = [lender.need("w0", 25, now_ms=TAKES_MS) for _ in range(4)]
    assert lender.decide(TAKES_MS) == {}

    decided = lender.decide(TAKES_MS + WAIT_MS)

    assert [decided[need].contended for need in needs] == [True, True, False, False]


def test_what_is_spent_needs_nobodys_answer() -> None:
    """Where what is posted leaves too little, nothing that comes back could help."""
    lender = Lender(team=100)
    lender.lend("w1", 95)
    lender.book.post("w1", TEAM, 85)
    need = lender.need("w0", 20)

    assert lender.decide() == {need: Outcome("w0", need, TEAM, 5)}


def test_a_lowered_limit_recalls_what_is_lent_above_it() -> None:
    """Though nobody waits; what comes back is free only as far as the new limit goes."""
    lender = Lender(team=100)
    lender.lend("w0", 40)
    lender.lend("w1", 40)
    lender.limits[TEAM] = 50
    lender.book.account(TEAM, 50)
    lender.line.call_in([TEAM])

    recalls = lender.line.recalls()
    assert {recall.journal for recall in recalls} == {"w0", "w1"}
    for recall in recalls:
        lender.line.returned(recall.journal, {TEAM: 40}, recall.number)
    lender.decide()
    assert lender.book.windows[TEAM].free_nanos == 50


def test_what_is_left_of_a_small_budget_is_lent_whole_and_moves_whole() -> None:
    """Near its limit one worker owns a run's budget until another needs it."""
    lender = Lender()
    lender.lend("w0", 10, RUN)
    assert lender.book.windows[RUN].leases["w0"].granted_nanos == 1_000
    need = lender.need("w1", 10, RUN)
    assert lender.decide() == {}
    (recall,) = lender.line.recalls()
    lender.line.returned("w0", {RUN: 990}, recall.number)

    assert lender.decide() == {need: Outcome("w1", need)}
    leases = lender.book.windows[RUN].leases
    assert (leases["w0"].granted_nanos, leases["w1"].granted_nanos) == (10, 990)


def test_what_was_asked_for_and_not_answered_may_come_back_yet() -> None:
    """That is why a run's budget is contended, and not exceeded, when its parent's money is out."""
    lender = Lender(team=100)
    lender.lend("w1", 90)
    lender.book.post("w1", TEAM, 10, 20)
    assert lender.line.recalled.unanswered(TEAM) == 0
    lender.line.call_in([TEAM])
    (recall,) = lender.line.recalls()
    assert lender.line.recalled.unanswered(TEAM) == 60

    lender.line.returned("w1", {TEAM: 5}, recall.number)

    assert lender.line.recalled.unanswered(TEAM) == 0


class Crossing:
    """Four workers' purses and a line; messages wait to be heard, in order for each worker."""

    def __init__(self, limits: dict[str, int]) -> None:
        self.line = Line(LeaseBook(), limits.__getitem__)
        self.up: dict[str, deque[Borrowing | tuple[dict[str, int], int]]] = {}
        self.down: dict[str, deque[Recall | tuple[dict[str, Grant], list[Outcome], bool]]] = {}
        self.purses = {f"w{number}": self._purse(f"w{number}") for number in range(4)}

    def _purse(self, name: str) -> Purse:
        self.up[name], self.down[name] = deque(), deque()
        self.line.meet(name)

        def ask(borrowing: Borrowing) -> bool:
            self.up[name].append(borrowing)
            return True

        return Purse(ask)

    def hear(self, name: str) -> None:
        """Let the steward hear what a worker said first."""
        said = self.up[name].popleft()
        if isinstance(said, Borrowing):
            self.line.borrow(name, said, 0)
        else:
            self.line.returned(name, *said)
        outcomes, grants = self.line.decide(0), self.line.grants()
        for journal, down in self.down.items():
            mine = [each for each in outcomes if each.journal == journal]
            asked = journal == name and isinstance(said, Borrowing)
            if mine or asked or journal in grants:
                down.append((grants.get(journal, {}), mine, asked))
        for recall in self.line.recalls():
            self.down[recall.journal].append(recall)

    def tell(self, name: str) -> None:
        """Let a worker hear what it was told first."""
        told = self.down[name].popleft()
        if isinstance(told, Recall):
            self.up[name].append((self.purses[name].release(told.windows), told.number))
        else:
            lent, outcomes, heard = told
            self.purses[name].lent(lent, outcomes, heard=heard)


def test_of_2000_calls_over_4_levels_and_4_workers_137_are_admitted() -> None:
    """Exactly as many as fit, whatever crosses what: nobody else is lent the rest, and none waits.

    The limit is in the middle of the path; messages arrive in order for each worker, and else at
    random.
    """
    hold, chance = 1_000_003, random.Random(137)
    path = (RUN, "alice@once", TEAM, ROOT)
    crossing = Crossing(dict.fromkeys(path, 1_000_000 * hold) | {TEAM: 138 * hold - 1})
    answers: list[Short | str | None] = []
    calls = deque(chance.choice(list(crossing.purses)) for _ in range(2_000))
    while True:
        steps = [(crossing.hear, name) for name, waits in crossing.up.items() if waits]
        steps += [(crossing.tell, name) for name, waits in crossing.down.items() if waits]
        if not calls and not steps:
            break
        if calls and (not steps or chance.random() < 0.9):
            purse = crossing.purses[calls.popleft()]
            slices = tuple(purse.slice_of(window, window) for window in path)
            if purse.try_hold(slices, hold) is None:
                answers.append(None)
            else:
                purse.wait(Waiting(slices, hold, answers.append, 0))
        else:
            step, name = chance.choice(steps)
            step(name)

    refused = [each for each in answers if isinstance(each, Short)]
    assert (answers.count(None), len(refused)) == (137, 2_000 - 137)
    assert not any(each.contended for each in refused)
    assert {each.piece.window for each in refused} == {TEAM}


def test_what_was_lent_is_on_its_way_until_it_is_folded() -> None:
    """Else a hold that the steward has not read yet would count as money that lies idle."""
    assert TAKES_MS > 1_000 * FOLD_S
