"""`max_budget` and `budget_duration`, wherever they stand, as budgets; amounts stay exact."""

import re
from decimal import Decimal
from typing import Final

from headgate.budgets.settings import Period
from headgate.cli.moving.drafts import Budget
from headgate.cli.moving.tables import Table
from headgate.units.money import MoneyError, parse_usd

HOURS_MAX: Final = 8_784
"""How far a rolling budget looks back at most: a year."""
_DURATION: Final = re.compile(r"([0-9]{1,6})\s*(s|m|h|d|w|mo|y)")
_HOURS: Final = {"h": 1, "d": 24, "w": 168, "mo": 730, "y": 8_760}
_CALENDAR: Final[dict[int, Period]] = {24: "day", 168: "week", 720: "month", 730: "month"}
"""What begins anew with a day, week or month there too, by its hours."""


def budget(
    name: str, node: str, table: Table, limit: str = "max_budget", duration: str = "budget_duration"
) -> Budget | None:
    """Return the budget that a mapping says; None where it says none, or one that is noted.

    Args:
        name: Its id.
        node: What it is on.
        table: The mapping.
        limit: The key of the limit, in dollars.
        duration: The key of how long it lasts; without one it never begins anew.
    """
    amount = table.number(limit)
    text = table.text(duration)
    if amount is None:
        return None
    try:
        parse_usd(f"{amount:f}")
    except MoneyError:
        table.note(
            limit, "It is too large, or finer than a nano-dollar.", "Write a budget by hand."
        )
        return None
    if text is None:
        return Budget(name, node, f"{amount:f}", "once")
    found = _period(text, table, duration)
    return None if found is None else Budget(name, node, f"{amount:f}", *found)


def _period(text: str, table: Table, key: str) -> tuple[Period, int | None] | None:
    parts = _DURATION.fullmatch(text.strip())
    if parts is None or not int(parts[1]):
        why = f"{text!r} is no length of time that is known here."
        table.note(key, why, "Write a budget with a `period` by hand.")
        return None
    if parts[2] in ("s", "m"):
        seconds = int(parts[1]) * (1 if parts[2] == "s" else 60)
        hours = -(-seconds // 3_600)
        if seconds % 3_600:
            why = (
                "A budget here looks back over whole hours, so this one is of the next longer time."
            )
            table.note(key, why, "Lower its limit if it lets through too little.")
    else:
        hours = int(parts[1]) * _HOURS[parts[2]]
    if hours in _CALENDAR:
        return _CALENDAR[hours], None
    if parts[2] == "y" and parts[1] == "1":
        return "year", None
    if hours > HOURS_MAX:
        why = "It is longer than a year, the longest that a budget here looks back."
        table.note(key, why, 'It is written as one of a year: `period = "year"`.')
        return "year", None
    return "rolling", hours


def shown(amount: Decimal) -> str:
    """Return an exact amount as text, without an exponent or useless zeros."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
