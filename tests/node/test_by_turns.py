"""What clients ask the steward: some of each at once, so that nobody waits behind many."""

import pytest

from headgate.node.by_turns import AT_ONCE, WAITING_MAX, ByTurns
from headgate.records.control import MAKER, RESPONSES, Answered, ControlReply, ControlRequest

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


def look(principal: str, name: str, method: str = "GET", resource: str = "runs") -> ControlRequest:
    """Return a request of a client."""
    return ControlRequest(method, resource, name, principal, "team", "key")


@pytest.mark.parametrize(
    ("method", "resource"), [("GET", "runs"), ("POST", "runs"), (MAKER, RESPONSES)]
)
def test_who_asks_much_stands_before_nobody_for_long(method: str, resource: str) -> None:
    """Of a thousand look-ups few are before those of another, and all are answered in order; nor is
    it otherwise with what changes something, nor with calls that go on from a response."""
    steward = Steward()
    turns = ByTurns(steward)
    told: list[ControlReply | None] = []
    for number in range(1_000):
        assert turns.send(look("much", str(number), method, resource), told.append)

    assert turns.send(look("other", "mine", method, resource), told.append)

    names = [request.name for request, _ in steward.asked]
    assert names == [*map(str, range(AT_ONCE)), "mine"]
    answered = [steward.answer() for _ in range(1_001)]
    answered.remove("mine")
    assert answered == [*map(str, range(1_000))]
    assert told == [TOLD] * 1_001 and not steward.asked


@pytest.mark.parametrize(
    ("many", "one"),
    [
        (("GET", "runs"), ("POST", "runs")),
        (("POST", "runs"), ("GET", "runs")),
        (("POST", "feedback"), ("POST", "runs")),
    ],
    ids=["look-ups", "changes", "votes"],
)
def test_what_is_of_another_kind_does_not_wait(many: tuple[str, str], one: tuple[str, str]) -> None:
    """A run is told of while its principal looks up or votes much, and looked at meanwhile."""
    steward = Steward()
    turns = ByTurns(steward)
    for number in range(10):
        turns.send(look("much", str(number), *many), lambda _reply: None)

    assert turns.send(look("much", "other", *one), lambda _reply: None)

    assert steward.asked[-1][0].name == "other"


@pytest.mark.parametrize(("method", "resource"), [("GUARD", "runs"), ("PUT", "repeats")])
def test_what_a_worker_asks_for_itself_waits_for_nobody(method: str, resource: str) -> None:
    """A run that has to be frozen is told of at once, whatever its principal asks beside; and a
    call with an idempotency key waits behind no votes."""
    steward = Steward()
    turns = ByTurns(steward)
    for asked in ("GET", "POST"):
        for number in range(10):
            turns.send(look("much", str(number), asked), lambda _reply: None)

    assert turns.send(look("much", "own", method, resource), lambda _reply: None)

    assert steward.asked[-1][0].name == "own"


def test_what_is_changed_is_sent_once_and_in_the_order_in_which_it_was_asked() -> None:
    """Also when a run is begun, and its end told, while others of its principal wait."""
    steward = Steward()
    turns = ByTurns(steward)
    for number in range(100):
        turns.send(look("much", f"run-{number}", "POST"), lambda _reply: None)
        turns.send(look("much", f"run-{number} is done", "POST"), lambda _reply: None)

    sent = [steward.answer() for _ in range(200)]

    assert sent == [f"run-{number}{end}" for number in range(100) for end in ("", " is done")]
    assert not steward.asked


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_waits_for_a_steward_that_goes_is_told_so(method: str) -> None:
    """Nobody waits in vain, and with the next steward there are turns again; what was told to have
    failed while it waited was never sent."""
    steward = Steward()
    turns = ByTurns(steward)
    told: list[ControlReply | None] = []
    for number in range(AT_ONCE + 3):
        turns.send(look("much", str(number), method), told.append)

    steward.there = False
    for _ in range(AT_ONCE):
        steward.answer(None)

    assert told == [None] * (AT_ONCE + 3)
    assert not turns.send(look("much", "none", method), told.append)
    assert not steward.asked
    steward.there = True
    for number in range(AT_ONCE + 1):
        assert turns.send(look("much", str(number), method), told.append)
    assert len(steward.asked) == AT_ONCE


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_so_many_wait_and_no_more(method: str) -> None:
    """Who has asked too much already is refused; another is not."""
    turns, asked = ByTurns(Steward()), look("much", "", method)
    sent = [turns.send(asked, lambda _reply: None) for _ in range(AT_ONCE + WAITING_MAX + 1)]

    assert sent == [True] * (AT_ONCE + WAITING_MAX) + [False]
    assert turns.send(look("other", "", method), lambda _reply: None)
