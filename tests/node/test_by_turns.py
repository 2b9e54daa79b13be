"""What clients look up at the steward: some of each at once, so that nobody waits behind many."""

from headgate.node.by_turns import AT_ONCE, WAITING_MAX, ByTurns
from headgate.records.control import Answered, ControlReply, ControlRequest

TOLD = ControlReply(200, "{}")


class Steward:
    """Keeps what it is asked until a test has it answered."""

    def __init__(self) -> None:
        self.there = True
        self.asked: list[tuple[ControlRequest, Answered]] = []

    def send(self, request: ControlRequest, answered: Answered) -> bool:
        """Take a request, while there is a steward."""
        if self.there:
            self.asked.append((request, answered))
        return self.there

    def answer(self, reply: ControlReply | None = TOLD) -> str:
        """Answer the first request; returns its name."""
        request, answered = self.asked.pop(0)
        answered(reply)
        return request.name


def look(principal: str, name: str, method: str = "GET") -> ControlRequest:
    """Return a request of a client."""
    return ControlRequest(method, "runs", name, principal, "team", "key")


def test_who_asks_much_stands_before_nobody_for_long() -> None:
    """Of a thousand look-ups few are before those of another, and all are answered in order."""
    steward = Steward()
    turns = ByTurns(steward)
    told: list[ControlReply | None] = []
    for number in range(1_000):
        assert turns.send(look("much", str(number)), told.append)

    assert turns.send(look("other", "mine"), told.append)

    names = [request.name for request, _ in steward.asked]
    assert names == [*map(str, range(AT_ONCE)), "mine"]
    answered = [steward.answer() for _ in range(1_001)]
    answered.remove("mine")
    assert answered == [*map(str, range(1_000))]
    assert told == [TOLD] * 1_001 and not steward.asked


def test_what_changes_something_waits_for_no_look_up() -> None:
    """A run that has to be frozen is told of at once, whatever its principal asks beside."""
    steward = Steward()
    turns = ByTurns(steward)
    for number in range(10):
        turns.send(look("much", str(number)), lambda _reply: None)

    assert turns.send(look("much", "change", "POST"), lambda _reply: None)

    assert steward.asked[-1][0].name == "change"


def test_what_waits_for_a_steward_that_goes_is_told_so() -> None:
    """Nobody waits in vain, and with the next steward there are turns again."""
    steward = Steward()
    turns = ByTurns(steward)
    told: list[ControlReply | None] = []
    for number in range(AT_ONCE + 3):
        turns.send(look("much", str(number)), told.append)

    steward.there = False
    for _ in range(AT_ONCE):
        steward.answer(None)

    assert told == [None] * (AT_ONCE + 3)
    assert not turns.send(look("much", "none"), told.append)
    steward.there = True
    for number in range(AT_ONCE + 1):
        assert turns.send(look("much", str(number)), told.append)
    assert len(steward.asked) == AT_ONCE


def test_so_many_wait_and_no_more() -> None:
    """Who has asked too much already is refused; another is not."""
    turns = ByTurns(Steward())
    sent = [turns.send(look("much", ""), lambda _r: None) for _ in range(AT_ONCE + WAITING_MAX + 1)]

    assert sent == [True] * (AT_ONCE + WAITING_MAX) + [False]
    assert turns.send(look("other", ""), lambda _reply: None)
