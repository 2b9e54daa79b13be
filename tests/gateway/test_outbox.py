"""The outbox: what a turn has to say is sent at its end, whatever happens to one of the senders."""

from collections.abc import Callable

import pytest

from headgate.gateway.outbox import Outbox


class Turns:
    """A loop of which the test makes the turns."""

    def __init__(self) -> None:
        self.soon: list[Callable[[], None]] = []
        self.outbox = Outbox(self.soon.append)
        self.sent: list[str] = []

    def end(self) -> None:
        """Do what was asked for until now."""
        acts, self.soon[:] = list(self.soon), []
        for act in acts:
            act()


class Sender:
    """A connection that says its name, and may have another one say something then, or fail."""

    def __init__(
        self, turns: Turns, name: str, then: "Sender | None" = None, *, fails: bool = False
    ) -> None:
        self._turns, self._name, self._then, self._fails = turns, name, then, fails

    def flush(self) -> None:
        """Send."""
        if self._fails:
            raise OSError("gone")
        self._turns.sent.append(self._name)
        if self._then is not None:
            self._turns.outbox.add(self._then)


def test_all_of_a_turn_are_sent_at_its_end() -> None:
    """In the order they came, by one call back; the next turn has its own."""
    turns = Turns()
    for name in ("a", "b"):
        turns.outbox.add(Sender(turns, name))
    assert (len(turns.soon), turns.sent) == (1, [])

    turns.end()
    turns.outbox.add(Sender(turns, "c"))
    turns.end()

    assert turns.sent == ["a", "b", "c"]


@pytest.mark.parametrize("behind", [0, 1])
def test_what_is_said_while_sending_is_sent(behind: int) -> None:
    """Who has something to say because another one was sent is not forgotten."""
    turns = Turns()
    turns.outbox.add(Sender(turns, "a", then=Sender(turns, "late")))
    for _ in range(behind):
        turns.outbox.add(Sender(turns, "b"))

    while turns.soon:
        turns.end()

    assert sorted(turns.sent) == sorted(["a", "late", *"b" * behind])


def test_one_that_fails_keeps_no_other_from_being_sent() -> None:
    """The others are sent in the next turn, and so is what comes later."""
    turns = Turns()
    turns.outbox.add(Sender(turns, "broken", fails=True))
    turns.outbox.add(Sender(turns, "b"))
    with pytest.raises(OSError, match="gone"):
        turns.end()

    turns.outbox.add(Sender(turns, "c"))
    while turns.soon:
        turns.end()

    assert turns.sent == ["b", "c"]
