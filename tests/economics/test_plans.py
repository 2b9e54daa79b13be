"""The subscription desk: the arithmetic, what it says with little data, and what it advises."""

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.catalog.load_plans import PlanDataError, load_plans, parse_plans
from headgate.catalog.plans import Plan
from headgate.economics.plans.advice import API, Offer, advise
from headgate.economics.plans.break_even import (
    ParameterError,
    margin,
    month_cost,
    seller_break_even,
    user_break_even,
    zone,
)
from headgate.economics.plans.desk import OWN, SeatReport, SeatUse, report
from headgate.economics.plans.estimate import Estimate, capacity, monthly, next_month
from headgate.economics.plans.page import heat_map, percent
from headgate.economics.plans.windows import DAY_NS, MINUTE_NS, Use, quantile, rolling, weeks
from headgate.economics.usage_logs.record import Reading

USD = 1_000_000_000
QUARTER = Fraction(1, 4)
MONDAY_NS = 1_782_691_200_000_000_000
"""2026-06-29T00:00:00Z."""
CATALOGUE = load_plans()


def plan(name: str) -> Plan:
    found = CATALOGUE.find(name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("price", "given", "user", "seller"),
    [
        (20, 400, "5.000", "20.000"),
        (100, 2_000, "5.000", "20.000"),
        (200, 8_000, "2.500", "10.000"),
        (20, 700, "2.857", "11.429"),
        (200, 14_000, "1.429", "5.714"),
    ],
)
def test_break_evens_of_the_published_plans(price: int, given: int, user: str, seller: str) -> None:
    """To the digit as they were published."""
    assert percent(user_break_even(price * USD, given * USD), 3) == user
    assert percent(seller_break_even(price * USD, given * USD, QUARTER), 3) == seller


@pytest.mark.parametrize(
    ("used", "kept"), [("1/100", "82.5"), ("5/100", "12.5"), ("1/10", "-75.0"), ("1", "-1650.0")]
)
def test_margins_of_the_largest_plan(used: str, kept: str) -> None:
    """200 dollars against 14,000 at a serving cost of a quarter."""
    assert percent(margin(Fraction(used), 200 * USD, 14_000 * USD, QUARTER), 1) == kept


@given(st.integers(1, 10**12), st.integers(1, 10**15), st.fractions("1/100", 1))
def test_at_its_break_even_the_seller_keeps_nothing(price: int, given: int, cost: Fraction) -> None:
    """The margin is zero exactly there, and the zones meet there."""
    at = seller_break_even(price, given, cost)
    user = user_break_even(price, given)

    assert user <= at
    if at <= 1:
        assert margin(at, price, given, cost) == 0
    assert zone(at, user, at) == "both gain"
    assert zone(user * Fraction(99, 100), user, at) == "user overpays"
    assert zone(at * 2, user, at) == "seller loses"


def test_parameters_that_make_no_sense_are_refused_with_their_range() -> None:
    """Above all of a plan, a cost of nothing, a price of nothing."""
    with pytest.raises(ParameterError, match="within 0 and 1"):
        margin(Fraction(11, 10), USD, USD, QUARTER)
    with pytest.raises(ParameterError, match="above 0 and at most 1"):
        seller_break_even(USD, USD, Fraction(0))
    with pytest.raises(ParameterError, match="above 0"):
        user_break_even(USD, 0)
    with pytest.raises(ParameterError, match="above 0"):
        margin(QUARTER, 0, USD, QUARTER)


def test_a_short_window_begins_with_the_first_use_after_the_last() -> None:
    """Use at its very end begins the next one."""
    uses = [Use(minute * MINUTE_NS, 1) for minute in (0, 299, 300, 700)]

    told = [(one.start_ns // MINUTE_NS, one.nanos) for one in rolling(uses, 300)]

    assert told == [(0, 2), (300, 1), (700, 1)]


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 10**12)), min_size=1))
def test_whole_weeks_lose_only_what_lies_before_them(days: list[tuple[int, int]]) -> None:
    """Idle weeks count as nothing used; the sum is that of all days in them."""
    uses = sorted(Use(MONDAY_NS + day * DAY_NS, nanos) for day, nanos in days)

    whole = weeks(uses)

    inside = [use.nanos for use in uses if whole and use.at_ns >= whole[0].start_ns]
    assert sum(one.nanos for one in whole) == sum(inside)
    assert len(whole) == (uses[-1].at_ns - uses[0].at_ns + DAY_NS) // (7 * DAY_NS)


@given(st.lists(st.integers(0, 10**13), min_size=2, max_size=30))
def test_an_interval_holds_its_middle(sums: list[int]) -> None:
    """And that of a coming month is the wider one."""
    mean, coming = monthly(sums), next_month(sums)

    assert mean is not None
    assert coming is not None
    assert 0 <= coming.low <= mean.low <= mean.middle <= mean.high <= coming.high


def test_a_month_of_equal_weeks_has_no_spread() -> None:
    """Seven dollars a week are 30.4375 a month, for certain; one week says nothing."""
    exact = 30_437_500_000

    assert monthly([7 * USD] * 4) == Estimate(exact, exact, exact)
    assert monthly([7 * USD]) is None


def metered(rises: Sequence[tuple[int, int]]) -> tuple[list[Reading], list[Use]]:
    """Return a week's meter per (points, dollars): two readings with use between them."""
    said: list[Reading] = []
    used: list[Use] = []
    for week, (points, dollars) in enumerate(rises):
        start_ns = MONDAY_NS + week * 7 * DAY_NS
        end_ns = start_ns + 7 * DAY_NS
        said.append(Reading(start_ns, 10_080, 100, end_ns))
        used.append(Use(start_ns + DAY_NS, dollars * USD))
        said.append(Reading(start_ns + 2 * DAY_NS, 10_080, 100 + points, end_ns))
    return said, used


def test_the_value_of_a_plan_follows_from_its_own_meter() -> None:
    """Twenty dollars for every ten percent are two hundred for all of it."""
    assert capacity(*metered([(1000, 20), (500, 10), (2000, 40)])) == Estimate(
        200 * USD, 200 * USD, 200 * USD
    )
    spread = capacity(*metered([(1000, 20), (500, 20), (2000, 40)]))
    assert spread is not None
    assert spread.low < spread.middle < spread.high


@pytest.mark.parametrize("rises", [[(1000, 20), (500, 10)], [(100, 2), (100, 2), (100, 2)], []])
def test_a_meter_that_hardly_moved_says_nothing(rises: list[tuple[int, int]]) -> None:
    """Too few windows, or too few points."""
    assert capacity(*metered(rises)) is None


def offer(name: str, low: int, middle: int, high: int) -> Offer:
    return Offer(plan(name), Estimate(low * USD, middle * USD, high * USD))


def dollars(low: int, middle: int, high: int) -> Estimate:
    return Estimate(low * USD, middle * USD, high * USD)


PRO, FIVE = offer("claude-pro", 150, 160, 170), offer("claude-max-5x", 1_300, 2_000, 2_300)


@pytest.mark.parametrize(
    ("demand", "has", "verb", "best", "saving"),
    [
        (dollars(120, 130, 140), "claude-pro", "keep", "claude-pro", 0),
        (dollars(1, 2, 3), "claude-pro", "drop", API, 18),
        (dollars(600, 700, 800), API, "buy", "claude-max-5x", 600),
        (dollars(600, 700, 800), "claude-pro", "move", "claude-max-5x", 460),
        (dollars(1, 2, 3), API, "stay on the API", API, 0),
        (dollars(5, 25, 60), "claude-pro", "open", "claude-pro", 0),
        (None, "claude-pro", "not enough data", "claude-pro", 0),
        (dollars(9, 9, 9), "claude-team-standard", "not enough data", "claude-team-standard", 0),
    ],
)
def test_advice(demand: Estimate | None, has: str, verb: str, best: str, saving: int) -> None:
    """What is cheapest at every corner of the intervals, or the question left open."""
    told = advise(demand, [PRO, FIVE], has)

    assert (told.verb, told.plan, told.saving.middle) == (verb, best, saving * USD)
    assert (len(told.rivals) > 1) == (verb == "open")


def test_what_is_clear_is_told_where_the_cheapest_is_not() -> None:
    """Whoever has what is cheapest in no case is told to leave it, for whichever."""
    use = dollars(210, 225, 300)

    paying, having = advise(use, [PRO, FIVE], API), advise(use, [PRO, FIVE], "claude-pro")

    assert (paying.verb, having.verb) == ("open", "open")
    assert "paying by the token is never the cheapest" in paying.reason
    assert "never" not in having.reason


@given(st.integers(0, 10**13), st.integers(0, 10**13), st.integers(0, 10**13))
def test_what_a_plan_cannot_give_is_bought_at_list_price(price: int, given: int, used: int) -> None:
    """So a plan never costs less than its price, nor more than price and API together."""
    cost = month_cost(price, given, used)

    assert price <= cost <= price + used
    assert cost == price or used > given


def seat(
    uses: list[Use], has: str = API, said: dict[int, list[Reading]] | None = None
) -> SeatReport:
    use = SeatUse("alice", "codex", "openai", uses, said or {})
    return report(use, CATALOGUE, lambda _seat, _seller: has, QUARTER)


def test_a_seat_is_held_against_every_plan_that_covers_its_logs() -> None:
    """Utilisation, zone and cost of the mean month; other sellers' plans are left out."""
    uses = [Use(MONDAY_NS + day * DAY_NS, 5 * USD) for day in range(28)]

    told = seat(uses)

    lines = {line.plan.id: line for line in told.plans}
    assert set(lines) == {"chatgpt-plus", "chatgpt-pro-5x", "chatgpt-pro-20x"}
    assert told.demand is not None
    assert told.demand.middle == 152_187_500_000
    plus = lines["chatgpt-plus"]
    assert (plus.zone, plus.cost_nanos) == ("seller loses", 20 * USD)
    assert percent(plus.utilisation or Fraction(0), 1) == "21.7"
    assert (told.advice.verb, told.advice.plan) == ("buy", "chatgpt-plus")


def test_a_plans_own_meter_wins_over_what_was_published() -> None:
    """And gives the head-room of the window that runs."""
    said, uses = metered([(1000, 20), (500, 10), (2000, 40), (1000, 20)])

    told = seat(uses, has="chatgpt-plus", said={10_080: said})

    plus = next(line for line in told.plans if line.plan.id == "chatgpt-plus")
    assert plus.basis == OWN
    assert plus.capacity is not None
    assert plus.capacity.middle == int(200 * USD * Fraction(487, 112))
    week = told.windows[-1]
    assert (week.minutes, week.used_bp) == (10_080, 1100)
    assert week.head_room_nanos == 200 * USD - week.latest.nanos


def test_too_few_weeks_give_no_number() -> None:
    """Windows are counted, months are not guessed."""
    told = seat([Use(MONDAY_NS, 5 * USD)])

    assert (told.demand, told.forecast, told.advice.verb) == (None, None, "not enough data")
    assert all(line.utilisation is None for line in told.plans)


def test_quantiles_are_values_that_occurred() -> None:
    """The median of two is the lower; nothing has none."""
    assert [quantile([3, 1, 2], 50), quantile([1, 2], 50), quantile(range(100), 95)] == [2, 1, 94]
    assert quantile([], 50) == 0


def test_the_chart_shows_every_margin() -> None:
    """The heat map of the largest plan, cell by cell as it was published."""
    full = Estimate(14_000 * USD, 14_000 * USD, 14_000 * USD)

    chart = heat_map([(plan("chatgpt-pro-20x"), full)], [], QUARTER)

    cells = [part.partition("<")[0] for part in chart.split('">')]
    for share in ("83 %", "65 %", "13 %", "-75 %", "-250 %", "-1650 %"):
        assert share in cells


def test_every_plan_has_a_price_and_says_where_it_was_read() -> None:
    """Each source of each plan and capacity is told in full."""
    assert len({one.id for one in CATALOGUE.plans}) == len(CATALOGUE.plans)
    for one in CATALOGUE.plans:
        assert one.price_nanos > 0
        for source in (*one.sources, *(measured.source for measured in one.capacities)):
            assert "http" in CATALOGUE.sources[source]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('seller = "x"', "missing required field"),
        ('seller = "x"\nlogs = []\nplan = []\n[sources]\n[extra]', "unknown field"),
        (
            'seller = "x"\nlogs = []\n[sources]\n[[plan]]\nid = "a"\ntitle = "A"\nsources = ["s"]\n'
            'observed_on = 2026-01-01\nusd_per_month = "1"\nwindow_minutes = []',
            "every source",
        ),
    ],
)
def test_a_slip_in_the_data_is_told(text: str, problem: str) -> None:
    """A missing key, an unknown one, a source that is not listed."""
    with pytest.raises(PlanDataError, match=problem):
        parse_plans("x.toml", text)
