"""The rule that names why books and reports differ; pure. Its order is the documentation's.

A reason is given only where what it says accounts for the whole difference. What is left is
`unknown`, and nothing is ever corrected by it.
"""

from collections.abc import Callable

from headgate.reconcile.cells import (
    Booked,
    CellKey,
    Reason,
    Told,
    Verdict,
    with_surcharges,
)
from headgate.units.usage import Usage

Groups = tuple[int, int, int, int, int]

AtTiers = Callable[[CellKey, Usage], tuple[int, ...]]
"""What usage costs at each tier that the seller has, least and most of each."""

ROUNDED = 2
"""Each rounding is off by at most half a unit."""


def judge(
    key: CellKey,
    booked: Booked,
    told: Told | None,
    *,
    settled: bool,
    ended: Booked | None,
    at_tiers: AtTiers,
) -> Verdict:
    """Return why a cell differs.

    Args:
        key: The cell.
        booked: What the books have of it.
        told: What reports have of it, None where they cover the day and have nothing.
        settled: Whether the day was over for long enough when the report was made, and is whole
            in it.
        ended: What the books have by when attempts ended; None when no attempt crossed midnight.
        at_tiers: What usage costs at other tiers.
    """
    reason, target = _reason(key, booked, told, settled, ended, at_tiers)
    amount = None if told is None else _amount(told)
    money = booked.tools_nanos if not key.model else booked.net_nanos
    return Verdict(
        key=key,
        reason=reason,
        booked_nanos=money,
        told_nanos=0 if told is None else amount,
        calls=booked.calls + len(booked.estimates),
        told_calls=None if told is None else told.calls,
        target_nanos=target,
    )


def _reason(
    key: CellKey,
    booked: Booked,
    told: Told | None,
    settled: bool,
    ended: Booked | None,
    at_tiers: AtTiers,
) -> tuple[Reason, int | None]:
    if not settled or booked.running:
        return "late", None
    if not key.model:
        return _without_model(booked, told), None
    if told is None:
        return _not_told(booked)
    if booked.is_empty:
        return ("missing_here" if _says_something(told) else "agreed"), None
    if booked.estimates:
        return _with_estimates(booked, told)
    return _measured(key, booked, told, ended, at_tiers), None


def _without_model(booked: Booked, told: Told | None) -> Reason:
    bill = 0 if told is None or told.bill_nanos is None else told.bill_nanos
    unit = 0 if told is None else told.unit_nanos
    difference = abs(bill - booked.tools_nanos)
    if ROUNDED * difference <= booked.lines:
        return "agreed"
    if ROUNDED * difference <= booked.lines + unit:
        return "rounding"
    return "unassigned" if bill > booked.tools_nanos else "missing_there"


def _not_told(booked: Booked) -> tuple[Reason, int | None]:
    """Of a day that reports cover, they say nothing of the model: nothing was charged."""
    if booked.calls or booked.unpriced:
        costs = bool(booked.money_nanos) or any(booked.usage)
        return ("missing_there" if costs else "agreed"), None
    if booked.estimated_nanos:
        return "estimated_rows", 0
    return "agreed", None


def _says_something(told: Told) -> bool:
    return bool(told.bill_nanos) or (told.usage is not None and any(told.usage))


def _with_estimates(booked: Booked, told: Told) -> tuple[Reason, int | None]:
    """Name a cell with attempts that were posted at a bound.

    They account for the difference when what is left for them is neither negative nor above
    what was held for them, in money, and in tokens where usage is told; and when both are told,
    when these tokens cost that money. What surcharges add to it is in no report.
    """
    amount = _amount(told)
    shares = list(booked.shares_femto)
    if amount is None or booked.unpriced or len(shares) > 1:
        return "unknown", None
    left = with_surcharges(amount - booked.money_nanos, shares[0])
    most = sum(each.hold_nanos for each in booked.estimates)
    slack = _slack(booked, told)
    if not -slack <= ROUNDED * left <= ROUNDED * most + slack:
        return "unknown", None
    if not _tokens_fit(booked, told) or not _costs_that(told, slack):
        return "unknown", None
    target = min(max(left, 0), most)
    return ("agreed" if target == booked.estimated_nanos else "estimated_rows"), target


def _tokens_fit(booked: Booked, told: Told) -> bool:
    if told.usage is None:
        return True
    here, there = groups(booked.usage), groups(told.usage)
    if any(one > other for one, other in zip(here, there, strict=True)):
        return False
    if told.calls is not None:
        return booked.calls <= told.calls <= booked.calls + len(booked.estimates)
    return True


def _costs_that(told: Told, slack: int) -> bool:
    """Tell whether a bill is what the usage told beside it costs, where both are told."""
    if told.usage is None or told.bill_nanos is None:
        return True
    if told.low_nanos is None or told.high_nanos is None:
        return False
    bill = ROUNDED * told.bill_nanos
    return ROUNDED * told.low_nanos - slack <= bill <= ROUNDED * told.high_nanos + slack


def _measured(
    key: CellKey, booked: Booked, told: Told, ended: Booked | None, at_tiers: AtTiers
) -> Reason:
    if told.usage is not None and groups(booked.usage) != groups(told.usage):
        return _other_tokens(booked, told.usage, told.calls, ended)
    if told.bill_nanos is None:
        # The tokens are the same, and the price book is ours on both sides.
        return "unpriced" if told.low_nanos is None or booked.unpriced else "agreed"
    difference = told.bill_nanos - booked.money_nanos
    if ROUNDED * abs(difference) <= booked.lines:
        return "agreed"
    if booked.unpriced:
        return "unpriced" if difference > 0 else "unknown"
    if told.usage is None and ended is not None and _is_rounded(ended, told):
        return "boundary"
    if _is_rounded(booked, told):
        return "rounding"
    slack = _slack(booked, told)
    if any(
        ROUNDED * abs(told.bill_nanos - each) <= slack
        for each in at_tiers(key, booked.usage._replace(web_search=0))
    ):
        return "tier"
    # Without a report of usage nobody can tell a price from a call.
    return "unknown" if told.usage is None else "price"


def _other_tokens(booked: Booked, usage: Usage, calls: int | None, ended: Booked | None) -> Reason:
    if ended is not None and groups(ended.usage) == groups(usage):
        return "boundary"
    here, there = groups(booked.usage), groups(usage)
    more = all(one <= other for one, other in zip(here, there, strict=True))
    less = all(one >= other for one, other in zip(here, there, strict=True))
    if more and (calls is None or calls > booked.calls):
        return "missing_here"
    if less and (calls is None or calls < booked.calls):
        return "missing_there"
    return "unknown"


def _is_rounded(booked: Booked, told: Told) -> bool:
    assert told.bill_nanos is not None
    return ROUNDED * abs(told.bill_nanos - booked.money_nanos) <= _slack(booked, told)


def _slack(booked: Booked, told: Told) -> int:
    """Return twice what roundings can add up to."""
    return booked.lines + told.unit_nanos


def _amount(told: Told) -> int | None:
    """Return what a provider says it is in money; None when nobody can say."""
    if told.bill_nanos is not None:
        return told.bill_nanos
    return told.low_nanos if told.low_nanos == told.high_nanos else None


def groups(usage: Usage) -> Groups:
    """Return usage as far as all reports tell it: no report tells reasoning from text."""
    return (
        usage.input_uncached,
        usage.cache_read,
        usage.cache_write_5m + usage.cache_write_1h + usage.cache_write_24h,
        usage.input_audio,
        usage.output_tokens,
    )
