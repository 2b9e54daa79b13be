"""Ids of calls: one after the other, each of its own."""

from headgate.units.ids import CallIds, attempt_id, call_id, call_of


def test_calls_are_named_by_their_number() -> None:
    """Also where what they have in common changes."""
    ids = CallIds("w0")

    named = [ids.next() for _ in range(1_000)]

    assert named == [call_id("w0", number) for number in range(1, 1_001)]


def test_an_attempt_is_of_its_call() -> None:
    """The first one, which most calls have alone, as well as the others."""
    assert [attempt_id("call_w1", number) for number in (1, 2, 11)] == [
        "call_w1.1",
        "call_w1.2",
        "call_w1.11",
    ]
    assert {call_of(attempt_id("call_w1", number)) for number in (1, 2, 11)} == {"call_w1"}
