"""Raising a limit at once: for whoever runs the node, with an entry in the audit chain."""

import time
from pathlib import Path
from typing import NamedTuple

from headgate.budgets.settings import is_each
from headgate.cli.changing import change
from headgate.cli.output import fail, say
from headgate.config.problems import near
from headgate.config.snapshot import Snapshot
from headgate.node.messages import RaiseBudget
from headgate.units.instants import to_iso
from headgate.units.money import MoneyError, format_usd, parse_usd


class Wish(NamedTuple):
    """By how much a limit is to be raised (dollars, as text), until when, and why."""

    budget: str
    by: str
    until_ns: int
    reason: str


def raise_now(snapshot: Snapshot, data_dir: Path, wish: Wish) -> None:
    """Raise a limit, durably; ends the command where that makes no sense.

    Raises:
        StoreError: No steward runs and the store cannot be changed.
    """
    budgets = snapshot.budgets
    if wish.budget not in budgets or is_each(budgets[wish.budget].node):
        known = [each.id for each in budgets.values() if not is_each(each.node)]
        problem = f"No budget {wish.budget!r} can be raised."
        fail(problem, near(wish.budget, known, "budget"))
    try:
        by_nanos = parse_usd(wish.by)
    except MoneyError as error:
        fail(f"{error}.", "Write dollars: 25.00")
    if not by_nanos or wish.until_ns <= time.time_ns():
        fail("A raise is by more than nothing, and ends later than now.", "See --by and --until.")
    message = RaiseBudget(wish.budget, by_nanos, wish.until_ns, wish.reason)
    change(data_dir, message, "Nothing was raised.")
    say(f"Raised: {wish.budget} by {format_usd(by_nanos)} until {to_iso(wish.until_ns)}.")
