"""A purse answers waiting calls in their order, each once, and refuses only what does not fit."""

import random
from collections.abc import Callable

from headgate.ledger.book import LeaseBook
from headgate.ledger.line import Borrowing, Line
from headgate.ledger.purse import UNAVAILABLE, Purse, Short, Waiting
from headgate.ledger.slices import settle
from tests.ledger.test_lease_machine import PATHS, Leases

Answer = Short | str | None


class Desk:
    """A steward in miniature: keeps what a purse asks until the test lets it answer."""

    def __init__(self, limit_nanos: int, *, present: bool = True) -> None:
        self.line = Line(LeaseBook(), lambda _window: limit_nanos)
        self.line.meet("w")
        self.present = present
        self.asked: list[Borrowing] = []
        self.purse = Purse(self._ask)
        self.path = (self.purse.slice_of("team@once", "team"),)
        self.answers: dict[str, Answer] = {}

    def _ask(self, borrowing: Borrowing) -> bool:
        if self.present:
            self.asked.append(borrowing)
        return self.present

    def answer(self) -> None:
        """Lend what was asked first; recalls are answered at once."""
        self.line.borrow("w", self.asked.pop(0), 0)
        heard, outcomes = True, self.line.decide(0)
        while heard or outcomes:
            self.purse.lent(self.line.grants().get("w", {}), outcomes, heard=heard)
            for recall in self.line.recalls():
                self.line.returned("w", self.purse.release(recall.windows), recall.number)
            heard, outcomes = False, self.line.decide(0)

    def expire(self, before_ms: int) -> None:
        """Refuse the calls that have waited for too long, as the sweep does."""
        for waiting in self.purse.expired(before_ms):
            waiting.resume(UNAVAILABLE)

    def refused(self, name: str) -> bool:
        """Tell whether a call was refused for what the budget has left."""
        answer = self.answers[name]
        return isinstance(answer, Short) and answer.piece is self.path[0] and not answer.contended

    def call(
        self, name: str, amount: int, *, since_ms: int = 0, then: Callable[[], object] | None = None
    ) -> Callable[[Answer], None]:
        """Hold, or wait; `answers[name]` is what became of it."""

        def resume(short: Answer) -> None:
            assert name not in self.answers, f"{name} was answered twice"
            self.answers[name] = short
            if then is not None:
                then()

        if self.purse.try_hold(self.path, amount) is None:
            resume(None)
        else:
            self.purse.wait(Waiting(self.path, amount, resume, since_ms))
        return resume

    @property
    def served(self) -> list[str]:
        """The calls that hold, in the order in which they were answered."""
        return [name for name, short in self.answers.items() if short is None]


def test_a_small_call_does_not_pass_a_large_one_that_waits() -> None:
    """A call that would fit queues behind one that waits for the same window."""
    desk = Desk(100)
    desk.call("first", 10)
    desk.answer()
    desk.call("large", 80)
    desk.call("small", 1)
    assert list(desk.answers) == ["first"]
    desk.answer()
    desk.answer()
    assert desk.served == ["first", "large", "small"]


def test_a_call_that_asks_while_others_are_answered_takes_nothing_from_them() -> None:
    """Money lent for those who wait is theirs, whatever begins while they are being answered."""
    desk = Desk(30, present=False)
    desk.call("a", 10, then=lambda: desk.call("late", 10))
    desk.call("b", 10)
    desk.call("c", 10)
    desk.present = True
    desk.purse.reconnected({})
    while desk.asked:
        desk.answer()
    assert desk.served == ["a", "b", "c"]
    assert desk.refused("late")


def test_the_same_when_money_came_back_before_anybody_asked() -> None:
    """Calls that wait while no steward is there share what a settlement frees, in order."""
    desk = Desk(20)
    desk.call("a", 20)
    desk.answer()
    desk.present = False
    desk.call("b", 10, then=lambda: desk.call("late", 10))
    desk.call("c", 10)
    settle(desk.path, 20, 0)
    desk.purse.reconnected({})
    assert desk.served == ["a", "b", "c"]


def test_calls_that_the_steward_never_answers_are_refused_in_time() -> None:
    """A call waits no longer than it may, and the answer that comes too late harms nobody."""
    desk = Desk(100)
    desk.call("early", 10, since_ms=0)
    desk.call("later", 10, since_ms=500)
    desk.expire(1)
    assert desk.answers == {"early": UNAVAILABLE}
    desk.expire(501)
    assert desk.answers == {"early": UNAVAILABLE, "later": UNAVAILABLE}
    desk.answer()
    desk.call("next", 10)
    assert desk.served == ["next"]


def test_what_was_asked_of_a_dead_steward_is_asked_of_the_next() -> None:
    """Waiting calls keep their places over the death of the steward."""
    desk = Desk(20)
    desk.call("a", 10)
    desk.call("b", 10)
    desk.purse.disconnected()
    desk.asked.clear()
    desk.line.meet("w")
    desk.purse.reconnected({})
    desk.call("c", 10)
    while desk.asked:
        desk.answer()
    assert desk.served == ["a", "b"]
    assert desk.refused("c")


def test_a_call_whose_client_left_is_not_answered() -> None:
    """A waiting call can leave; those behind it move up, and its money goes to them."""
    desk = Desk(10)
    resume = desk.call("gone", 10)
    desk.call("next", 10)
    desk.purse.leave(resume)
    while desk.asked:
        desk.answer()
    assert desk.answers == {"next": None}


def test_overage_is_covered_before_the_next_hold() -> None:
    """What was posted beyond a hold is borrowed first; near the limit it refuses the next call."""
    desk = Desk(30)
    desk.call("a", 10)
    desk.answer()
    settle(desk.path, 10, 25)
    desk.call("b", 10)
    while desk.asked:
        desk.answer()
    assert desk.refused("b")
    desk.call("c", 5)
    while desk.asked:
        desk.answer()
    assert desk.answers["c"] is None


def test_slices_grow_with_what_is_spent_though_nobody_has_time_to_refill_them() -> None:
    """A thousand calls one after the other ask a few times, not once for every few calls."""
    desk = Desk(1_000_000)
    asked = 0
    for number in range(1_000):
        desk.call(f"call {number}", 10)
        while desk.asked:
            asked += 1
            desk.answer()
        settle(desk.path, 10, 10)

    assert len(desk.served) == 1_000
    assert asked < 10


def test_what_was_billed_beyond_a_hold_of_nothing_is_owed_once() -> None:
    """A new steward is not told of the same debt twice: what is left is lent."""
    state, path = Leases(), PATHS[1]
    state.lower_limit("root@once", 6)
    state.crowd([("w0", path, 0)], random.Random(1))
    state.overdraw("w0", 4)
    state.steward_dies(0)

    state.crowd([("w0", path, 2)], random.Random(1))

    assert state.carried("root@once") == 6
