"""The rule case by case, where a month does not go: edges, and reports of costs alone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict

from headgate.reconcile.cells import Booked, CellKey, Estimate, Reason, Told
from headgate.reconcile.corrections import corrections, shared_out
from headgate.reconcile.judging import judge
from headgate.reconcile.reports import unit_of
from headgate.units.usage import Usage

KEY = CellKey("openai", "gpt-5.4-mini", "2026-10-01")
SEARCHES = KEY._replace(model="")
USAGE = Usage(input_uncached=100, output_text=20)
OPEN = Estimate("call_a.1", 100, 100)


def measured(money: int = 1_000, **more: object) -> Booked:
    """Return a cell of one call in two lines."""
    return Booked(**({"calls": 1, "usage": USAGE, "money_nanos": money, "lines": 2} | more))  # type: ignore[arg-type]  # each test names a field of its own


def told(bill: int | None = 1_000, usage: Usage | None = None, **more: object) -> Told:
    """Return what a report has; without usage one of costs alone."""
    priced = {"low_nanos": bill, "high_nanos": bill}
    return Told(**({"bill_nanos": bill, "usage": usage, "unit_nanos": 1} | priced | more))  # type: ignore[arg-type]  # the same


CASES: dict[str, tuple[Reason, Booked, Told | None]] = {
    "a nano for two lines is their rounding": ("agreed", measured(), told(1_001)),
    "what the report rounded away": ("rounding", measured(), told(1_040, unit_nanos=100)),
    "costs alone tell no price": ("unknown", measured(), told(1_300)),
    "costs and the same tokens tell one": ("price", measured(), told(1_300, USAGE)),
    "another tier": ("tier", measured(), told(500)),
    "no price, and money": ("unpriced", measured(0, unpriced=1), told(700)),
    "no price, and less money": ("unknown", measured(900, unpriced=1), told(700)),
    "no price on either side": (
        "unpriced",
        measured(0, unpriced=1),
        told(None, USAGE, low_nanos=None, high_nanos=None),
    ),
    "the same tokens": (
        "agreed",
        measured(),
        told(None, USAGE, low_nanos=900),
    ),
    "reasoning is text to a report": (
        "agreed",
        measured(usage=Usage(100, output_text=5, output_reasoning=15)),
        told(1_000, USAGE),
    ),
    "an estimate, by costs alone": ("estimated_rows", measured(estimates=[OPEN]), told(1_060)),
    "an estimate that was right": ("agreed", measured(estimates=[OPEN]), told(1_100)),
    "above the hold": ("unknown", measured(estimates=[OPEN]), told(1_200)),
    "less than was measured": ("unknown", measured(estimates=[OPEN]), told(900)),
    "an estimate, and fewer tokens than measured": (
        "unknown",
        measured(estimates=[OPEN]),
        told(1_060, Usage(input_uncached=99, output_text=50)),
    ),
    "an estimate, and more calls than there are": (
        "unknown",
        measured(estimates=[OPEN]),
        told(1_060, Usage(input_uncached=130, output_text=50), calls=3),
    ),
    "an estimate, and money that its tokens do not cost": (
        "unknown",
        measured(estimates=[OPEN]),
        told(1_060, Usage(input_uncached=130, output_text=50), low_nanos=1_040, high_nanos=1_050),
    ),
    "an estimate, and a call without a price": (
        "unknown",
        measured(estimates=[OPEN], unpriced=1),
        told(1_060),
    ),
    "nothing told, nothing spent": ("agreed", Booked(), None),
    "nothing told of what was measured": ("missing_there", measured(), None),
    "nothing told of an estimate": ("estimated_rows", Booked(estimates=[OPEN]), None),
    "an empty line": ("agreed", Booked(), told(0)),
    "a call too many": ("missing_here", Booked(), told(5)),
    "still running": ("late", measured(running=1), told(1_000)),
}


def reason(booked: Booked, report: Told | None, *, settled: bool = True, key: CellKey = KEY) -> str:
    """Return the reason of a cell that has another tier at half the price."""
    return judge(
        key, booked, report, settled=settled, ended=None, at_tiers=lambda *_: (500,)
    ).reason


@pytest.mark.parametrize("name", CASES)
def test_each_case_has_its_reason(name: str) -> None:
    """The first rule that accounts for the whole difference names it."""
    expected, booked, report = CASES[name]

    assert reason(booked, report) == expected
    assert reason(booked, report, settled=False) == "late"


def test_money_without_a_model_is_compared_with_searches() -> None:
    """What searches cost agrees; beyond it money is unassigned, below it something is missing."""
    booked = Booked(tools_nanos=200, lines=2)

    reasons = [reason(booked, told(bill), key=SEARCHES) for bill in (200, 900, 20)]

    assert reasons == ["agreed", "unassigned", "missing_there"]
    assert reason(booked, None, key=SEARCHES) == "missing_there"


def test_a_day_counted_by_its_ends_is_a_boundary() -> None:
    """With a report of costs alone too, when the money of the other count is right."""
    how: dict[str, Any] = {"settled": True, "ended": measured(1_700), "at_tiers": lambda *_: ()}
    verdicts = [judge(KEY, measured(), told(bill), **how) for bill in (1_700, 1_600)]

    assert [each.reason for each in verdicts] == ["boundary", "unknown"]


@pytest.mark.parametrize(
    ("amount", "unit"), [(1, 1), (120, 10), (5_000_000, 1_000_000), (10**9, 10**7), (0, 10**7)]
)
def test_the_last_digit_that_is_written(amount: int, unit: int) -> None:
    """At most a cent: no report rounds coarser."""
    assert unit_of(amount) == unit


_ESTIMATES = st.lists(
    st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)).map(
        lambda pair: Estimate("", max(pair), min(pair))
    ),
    max_size=8,
)


@given(_ESTIMATES, st.integers(0, 10**6))
def test_money_is_shared_out_to_the_nano_within_the_holds(
    estimates: list[Estimate], permille: int
) -> None:
    """The shares sum up to the amount, none is below nothing, and none above its hold."""
    most = sum(each.hold_nanos for each in estimates)
    amount = most * permille // 10**6

    shares = shared_out(amount, estimates)

    assert sum(shares) == amount
    assert all(0 <= share <= each.hold_nanos for share, each in zip(shares, estimates, strict=True))


def test_corrections_are_named_by_how_many_went_before() -> None:
    """Asked for twice they have the same ids; after one was made the next has another."""
    first = Estimate("call_a.1", 100, 100)
    ids = [
        [asdict(one)["id"] for one in corrections(KEY, 40, [each], "a report")]
        for each in (first, first, first._replace(net_nanos=70, corrections=1))
    ]

    assert ids == [["reconciled:call_a.1:1"]] * 2 + [["reconciled:call_a.1:2"]]
    assert not list(corrections(KEY, 100, [first], "a report"))
