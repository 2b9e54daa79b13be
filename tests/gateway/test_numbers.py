"""Numbers of callers and routes: whoever reads the journal knows each one a hold refers to."""

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.gateway.money.numbers import Numbers
from headgate.ledger.fold import Known, fold
from headgate.ledger.folded import FoldedHold
from headgate.records.journal import REFERENCES_MAX, CallerRecord, HoldRecord, RouteRecord
from headgate.units.errors import JournalError
from tests.gateway.calls import ask, chat
from tests.gateway.conftest import Start


@given(st.lists(st.integers(0, 2 * REFERENCES_MAX), max_size=200), st.integers(0, REFERENCES_MAX))
def test_what_has_a_number_is_among_the_last_named(asked: list[int], many: int) -> None:
    """However many things there are, no number is found that a reader may have forgotten."""
    numbers = Numbers()
    named: dict[int, int] = {}
    for thing in (*range(REFERENCES_MAX - 100, REFERENCES_MAX + many // 16), *asked):
        number = numbers.find(thing)
        if not number:
            number = numbers.give(thing)
            assert number == len(named) + 1
            named[number] = thing
        assert named[number] == thing
        assert number > len(named) - REFERENCES_MAX


def test_a_number_is_remembered_as_long_as_it_is_found() -> None:
    """Whoever keeps a number can tell when it stands for nothing any more."""
    numbers = Numbers()
    for thing in range(1, REFERENCES_MAX + 3):
        assert numbers.give(thing) == thing

    assert [numbers.find(number) for number in (1, 2, 3)] == [0, 0, 3]
    for number in range(1, REFERENCES_MAX + 3):
        assert numbers.remembers(number) == (numbers.find(number) == number)


def hold(caller: int) -> FoldedHold:
    """Return a hold of one of the callers."""
    return FoldedHold(f"c{caller}.1", 1, 1, caller, 1, 1, 1, 1)


def test_folding_forgets_what_no_hold_refers_to() -> None:
    """Of all callers ever named the last few thousand stay in memory, and they suffice."""
    known = Known(count(1))
    most = REFERENCES_MAX
    callers = [CallerRecord(each, "ann", "red", "k", (f"w{each}",)) for each in range(1, most + 2)]

    batch = fold([RouteRecord(1, "m", "d", "openai_chat"), *callers, hold(2)], known)

    assert len(known.callers) == most
    assert batch.movements["w2"].held_nanos == 1
    with pytest.raises(JournalError, match="caller or route that was not named"):
        fold([hold(1)], known)


def test_a_deployment_that_is_asked_for_by_two_names_has_a_route_for_each(start: Start) -> None:
    """A hold refers to what its own call asked for, whatever the one before it asked for."""
    gateway = start(more='[routes.other]\ndeployments = ["mini"]')
    asked = ["mini", "other", "other", "mini"]

    for name in asked:
        assert ask(gateway, chat(model=name)).status == 200

    records = gateway.records()
    names = {each.number: each.asked for each in records if isinstance(each, RouteRecord)}
    assert [names[each.route] for each in records if isinstance(each, HoldRecord)] == asked
