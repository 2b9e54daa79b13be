"""`[budgets.ID]`: limits on nodes of the budget tree."""

from collections.abc import Collection, Mapping

from headgate.budgets.settings import ORGANISATION, RUN_ANY, Budget
from headgate.config.check import checked_by_id
from headgate.config.problems import Problems
from headgate.config.shapes import BudgetShape
from headgate.units.money import MoneyError, parse_usd


def budgets_from(
    tables: object, teams: Collection[str], principals: Collection[str], problems: Problems
) -> dict[str, Budget]:
    """Return the good budgets by id."""
    members = {"team": teams, "principal": principals}
    found: dict[str, Budget] = {}
    for name, shape in checked_by_id(tables, "budgets", BudgetShape, problems):
        key = f"budgets.{name}"
        limit_nanos = 0
        _check_node(shape.node, f"{key}.node", members, problems)
        try:
            limit_nanos = parse_usd(str(shape.limit_usd)) if shape.limit_usd != "" else 0
        except MoneyError as error:
            fix = 'Write dollars as text: "25.00".'
            if str(shape.limit_usd).startswith("-"):
                fix = "Write an amount of at least 0."
            problems.add(f"{key}.limit_usd", f"{error}.", fix)
        found[name] = Budget(
            name,
            shape.node,
            shape.period,
            limit_nanos,
            shape.on_tight,
            shape.alarm_within_hours,
            shape.holds,
        )
    return found


def _check_node(
    node: str, key: str, members: Mapping[str, Collection[str]], problems: Problems
) -> None:
    if node in ("", ORGANISATION, RUN_ANY):
        return
    what, colon, name = node.partition(":")
    if not colon or what not in members:
        problems.add(
            key,
            f"{node!r} is no node of the budget tree.",
            'Write "organisation", "team:ID", "principal:ID" or "run:*".',
        )
    elif name not in members[what]:
        problems.unknown(key, what, name, members[what])
