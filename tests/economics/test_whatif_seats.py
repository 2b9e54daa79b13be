"""What-if with plans: what seats carry and cost, what is beyond them, and the rest routed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.catalog.load_plans import load_plans
from headgate.catalog.plans import Plan
from headgate.economics.inputs import InputError
from headgate.economics.plans.windows import MINUTE_NS, WEEK_MINUTES, Use, rolling
from headgate.economics.whatif.calls import Who
from headgate.economics.whatif.report import Question, Told, whatif_report
from headgate.economics.whatif.scenario import Scenario
from headgate.economics.whatif.seats import Seats, check_plans, divided, months_of, within
from headgate.units.instants import from_datetime
from headgate.units.money import NANOS_PER_USD
from headgate.units.usage import Usage
from tests.economics.past_calls import (
    ANN,
    AT,
    BOB,
    BOOK,
    INPUTS,
    OPUS,
    SONNET,
    asked,
    calls,
    rate,
    row,
    run,
)

DAY_NS = 24 * 60 * MINUTE_NS
BEGIN, END = (from_datetime(datetime(2026, month, 1, tzinfo=UTC)) for month in (10, 11))
MILLION = Usage(1_000_000)
GAPS = st.lists(
    st.tuples(st.integers(0, 5 * DAY_NS), st.integers(0, 10**10)), min_size=1, max_size=30
)


def plan(name: str, dollars: int | None = None) -> Plan:
    """Return a plan of the catalogue, with what it gives in a month if that is said."""
    found = load_plans().find(name)
    assert found is not None
    if dollars is None:
        return found
    one = replace(found.capacities[0], nanos_per_month=dollars * NANOS_PER_USD)
    return replace(found, capacities=(one,))


def seats(*plans: tuple[str, Plan], refuses: bool = False) -> Scenario:
    """Return the scenario of some seats in October, with nothing else changed."""
    return Scenario(BOOK, BOOK, seats=Seats(plans, BEGIN, END, UTC, refuses=refuses))


@given(gaps=GAPS, capacity=st.integers(1, 3 * 10**10))
def test_windows_are_those_of_the_desk(gaps: Sequence[tuple[int, int]], capacity: int) -> None:
    """Each begins with the first use after the last; it serves up to the call that fills it."""
    at_ns = np.cumsum([gap for gap, _ in gaps])
    uses = [Use(int(at), nanos) for at, (_, nanos) in zip(at_ns, gaps, strict=True)]

    fits = within(at_ns, np.array([use.nanos for use in uses]), WEEK_MINUTES, capacity)

    for window in rolling(uses, WEEK_MINUTES):
        used = 0
        for use, fit in zip(uses, fits.tolist(), strict=True):
            if window.start_ns <= use.at_ns < window.end_ns:
                assert fit == (used < capacity)
                used += use.nanos


@given(total=st.integers(0, 10**12), weights=st.lists(st.integers(0, 10**12), min_size=1))
def test_a_fee_is_divided_without_a_rest(total: int, weights: list[int]) -> None:
    """Parts add up, and who used nothing pays nothing while somebody used something."""
    parts = divided(total, weights)

    assert sum(parts) == total
    assert all(part == 0 for part, one in zip(parts, weights, strict=True) if not one) or not any(
        weights
    )


def test_a_seat_carries_use_until_it_is_full() -> None:
    """A week of a plan worth 23 dollars a week: five calls of 5 dollars, and then the API."""
    made = calls(*(row(OPUS, MILLION, at_ns=AT + number) for number in range(8)))
    each = rate(BOOK, OPUS, MILLION)

    would = run(made, seats(("ann", plan("claude-max-5x", 100))))

    assert each == 5 * NANOS_PER_USD
    assert would.lines["carried"] == (-5 * each,)
    assert would.lines["refused"] == (0,)
    assert would.lines["seats"] == (100 * NANOS_PER_USD,)
    assert would.would_nanos == 3 * each + 100 * NANOS_PER_USD
    (seat,) = would.seats
    assert (seat.name, seat.covered, seat.carried) == ("ann", 8, 5)
    assert seat.covered_nanos - seat.carried_nanos == 3 * each


def test_a_new_window_begins_with_the_first_use_after_the_last() -> None:
    """Seven days later the seat is empty again, whenever the week began."""
    days = [0, 6, 7, 8]
    made = calls(*(row(OPUS, MILLION, at_ns=AT + day * DAY_NS) for day in days))

    would = run(made, seats(("ann", plan("claude-max-5x", 20))))

    assert would.seats[0].carried == 2


def test_what_a_full_seat_refuses_costs_nothing_and_is_counted() -> None:
    """Nobody is told that refused work was saved money without its number."""
    made = calls(*(row(OPUS, MILLION, at_ns=AT + number) for number in range(8)))

    would = run(made, seats(("ann", plan("claude-max-5x", 100)), refuses=True))

    assert would.refused == 3
    assert would.lines["refused"] == (-3 * rate(BOOK, OPUS, MILLION),)
    assert would.would_nanos == 100 * NANOS_PER_USD


def test_a_plan_covers_its_sellers_models_through_its_clients() -> None:
    """Other models, other logs and other people stay on the API; of the books any client does."""
    other, unknown = Who("ann", "gemini"), Who("ann")
    made = calls(
        row(OPUS, MILLION),
        row("openai/gpt-5.5", MILLION),
        row(OPUS, MILLION, who=other),
        row(OPUS, MILLION, who=unknown),
        row(OPUS, MILLION, who=BOB),
    )

    would = run(made, seats(("ann", plan("claude-max-20x"))))

    assert would.seats[0].covered == 2
    assert [seat.name for seat in run(made, seats(("*", plan("claude-pro")))).seats] == [
        "ann",
        "bob",
    ]


def test_some_have_seats_and_the_rest_is_routed() -> None:
    """What a seat carries moves nowhere; what it does not, moves with everybody else's."""
    made = calls(
        row(OPUS, MILLION, "a"),
        row(OPUS, MILLION, "a", at_ns=AT + 1),
        row(OPUS, MILLION, "b", who=BOB),
    )
    mixed = replace(
        asked(BOOK, f"*={SONNET}"),
        seats=Seats((("ann", plan("claude-max-5x", 20)),), BEGIN, END, UTC),
    )
    was, less = rate(BOOK, OPUS, MILLION), rate(BOOK, SONNET, MILLION)

    would = run(made, mixed)

    assert would.lines["carried"] == (-was, 0)
    assert would.lines["models"] == (less - was, less - was)
    assert [move.calls for move in would.moves] == [2]
    assert would.lines["seats"] == (100 * NANOS_PER_USD, 0)


def test_a_promise_counts_what_seats_cost() -> None:
    """`r` is what seats and other models cost of what they take the place of."""
    made = calls(*(row(OPUS, MILLION, at_ns=AT + number * DAY_NS) for number in range(31)))
    scenario = seats(("ann", plan("claude-max-5x", 2000)))
    question = Question("October", "As posted", Fraction(9, 10), (), ())

    told = Told("", "a plan", run(made, scenario))
    report = whatif_report(question, [told], INPUTS)

    assert report.answer[1] == (
        "A saving of 90.0 % is impossible: the seats cost 64.5 % of what they replace, so that "
        "with seats as full as these, even all work on them saves 35.5 %, before retries, checks "
        "and cold caches."
    )


@pytest.mark.parametrize(
    ("days", "months"),
    [([0], Fraction(1)), ([0, 40], Fraction(2)), ([0, 75], Fraction(1) + Fraction(15, 31))],
)
def test_a_seat_is_paid_for_months_with_use(days: list[int], months: Fraction) -> None:
    """Not for those between, and of a month that is asked about in part, for that part."""
    zone = ZoneInfo("Europe/Berlin")
    since, until = (from_datetime(datetime(2026, *day, tzinfo=zone)) for day in ((10, 1), (12, 16)))
    at_ns = np.array([since + day * DAY_NS for day in days])

    assert months_of(at_ns, Seats((), since, until, zone)) == months


def test_plans_that_say_nothing_are_refused() -> None:
    """Of nobody's use, of unknown size, or twice of one seller."""
    with pytest.raises(InputError, match="no use of carol that claude-pro covers"):
        run(calls(row(OPUS, MILLION)), seats(("carol", plan("claude-pro"))))
    with pytest.raises(InputError, match="no use of anybody that chatgpt-plus covers"):
        run(calls(row(OPUS, MILLION)), seats(("*", plan("chatgpt-plus"))))
    with pytest.raises(InputError, match="two plans of anthropic"):
        check_plans([("ann", plan("claude-pro")), ("ann", plan("claude-max-5x"))])
    with pytest.raises(InputError, match="Nobody has measured"):
        check_plans([("ann", replace(plan("claude-pro"), capacities=()))])


def test_named_seats_keep_their_plan_beside_everybodys() -> None:
    """`*` is whoever has no plan of that seller by name."""
    made = calls(row(OPUS, MILLION), row(OPUS, MILLION, who=BOB))

    would = run(made, seats(("ann", plan("claude-max-5x")), ("*", plan("claude-pro"))))

    assert [(seat.name, seat.plan.id) for seat in would.seats] == [
        (ANN.name, "claude-max-5x"),
        (BOB.name, "claude-pro"),
    ]
