"""`carved_from` of `[budgets.ID]`: which budget's money a budget's limit is set aside from."""

from collections.abc import Mapping
from typing import NamedTuple

from headgate.budgets.settings import ORGANISATION, STANDING, Budget, is_each, kind_of
from headgate.config.problems import Problems
from headgate.identity.settings import Key, Principal, Team, lineage_of
from headgate.units.money import format_usd

WITHIN = {
    "day": ("day", "week", "month", "quarter", "year", "once"),
    "week": ("week", "once"),
    "month": ("month", "quarter", "year", "once"),
    "quarter": ("quarter", "year", "once"),
    "year": ("year", "once"),
    "once": ("once",),
}
"""By a period, those of which each begins and ends with one of it, so that it lies within one."""


class Callers(NamedTuple):
    """Who there is, by id."""

    teams: Mapping[str, Team]
    principals: Mapping[str, Principal]
    keys: Mapping[str, Key]

    def above(self, node: str) -> tuple[str, ...]:
        """Return a standing node and those above it, up to the root."""
        kind, _, name = node.partition(":")
        if node == ORGANISATION:
            return (node,)
        if kind == "team":
            teams = lineage_of(name, self.teams) if name in self.teams else (name,)
            return (*(f"team:{team}" for team in teams), ORGANISATION)
        known = self.principals.get(name) if kind == "principal" else None
        if kind == "key" and name in self.keys:
            return (node, *self.above(f"principal:{self.keys[name].principal}"))
        return (node, *(self.above(f"team:{known.team}") if known else (ORGANISATION,)))


def carved_budgets(
    budgets: Mapping[str, Budget],
    carved_from: Mapping[str, str],
    callers: Callers,
    problems: Problems,
) -> dict[str, Budget]:
    """Return the budgets with what each is carved from.

    Args:
        budgets: By id, in the file's order.
        carved_from: By the id of a budget that is carved, what the file says it is carved from.
        callers: Whom budgets are on.
        problems: Where problems are noted.
    """
    sound = {
        name: parent
        for name, parent in carved_from.items()
        if _is_sound(budgets[name], parent, budgets, callers, problems)
    }
    for name in [name for name in sound if name in _chain(name, sound)]:
        fix = "Leave `carved_from` out of the largest of them."
        problems.add(f"budgets.{name}.carved_from", "It is carved from itself.", fix)
        del sound[name]
    found = {
        name: budget._replace(carved_from=_chain(name, sound)) for name, budget in budgets.items()
    }
    for parent in dict.fromkeys(sound.values()):
        children = [found[name] for name, above in sound.items() if above == parent]
        _check_siblings(children, callers, problems)
        _check_sum(found[parent], children, problems)
    return found


def _chain(name: str, carved_from: Mapping[str, str]) -> tuple[str, ...]:
    """Return what a budget is carved from, all the way up; with itself where that is a circle."""
    chain: list[str] = []
    while (above := carved_from.get(chain[-1] if chain else name)) is not None:
        if above in chain:
            break
        chain.append(above)
    return tuple(chain)


def _is_sound(
    budget: Budget,
    parent_id: str,
    budgets: Mapping[str, Budget],
    callers: Callers,
    problems: Problems,
) -> bool:
    key = f"budgets.{budget.id}.carved_from"
    parent = budgets.get(parent_id)
    if parent is None:
        others = [name for name in budgets if name != budget.id]
        problems.unknown(key, "budget", parent_id, others)
        return False
    before = len(problems.found)
    for each in (budget, parent):
        why = _why_not(each)
        if why is not None:
            fix = "Write a hard budget on the organisation, a team, a principal or a key."
            problems.add(key, f"Budget {each.id!r} {why}.", fix)
    if budget.carry_nanos_max:
        fix = "Take `carry_over` out, or `carved_from`."
        problems.add(key, "What is left of it flows back, so it carries nothing over.", fix)
    if len(problems.found) == before:
        _check_place(budget, parent, callers, problems)
    return len(problems.found) == before


def _why_not(budget: Budget) -> str | None:
    """Return why nothing can be carved from a budget, or for it; None when it can."""
    if budget.mode != "hard":
        return "is a shadow, which sets nothing aside"
    if budget.period == "rolling":
        return "looks back over hours, and has no period to carve from"
    if is_each(budget.node) or len(budget.nodes) > 1 or kind_of(budget.node) not in STANDING:
        return f"is on {budget.node!r}"
    return None


def _check_place(budget: Budget, parent: Budget, callers: Callers, problems: Problems) -> None:
    key = f"budgets.{budget.id}.carved_from"
    if parent.node not in callers.above(budget.node):
        problem = f"{budget.node} is not below {parent.node}, which {parent.id!r} is on."
        problems.add(key, problem, "Name a budget on a node above.")
    lasts = parent.calendar.starts_ns <= budget.calendar.starts_ns
    if not (lasts and budget.calendar.ends_ns <= parent.calendar.ends_ns):
        fix = "Let it start and end within the other."
        problems.add(key, f"It is in force when {parent.id!r} is not.", fix)
    same_days = budget.calendar.zone == parent.calendar.zone or parent.period == "once"
    if parent.period not in WITHIN[budget.period] or not same_days:
        problem = f"Its periods ({budget.period}) do not lie within those of {parent.id!r}."
        fix = f"Take one of {', '.join(WITHIN[budget.period])} for that, in the same zone."
        problems.add(key, problem, fix)


def _check_siblings(children: list[Budget], callers: Callers, problems: Problems) -> None:
    """Object to two that a call may fall under both: it would count twice where they are from."""
    for at, one in enumerate(children):
        for other in children[at + 1 :]:
            if one.node in callers.above(other.node) or other.node in callers.above(one.node):
                lower = other if one.node in callers.above(other.node) else one
                upper = one if lower is other else other
                problem = f"Calls would count twice: {upper.id!r} is carved from the same budget."
                fix = f'Write carved_from = "{upper.id}".'
                problems.add(f"budgets.{lower.id}.carved_from", problem, fix)


def _check_sum(parent: Budget, children: list[Budget], problems: Problems) -> None:
    for each in children:
        at_ns = each.calendar.starts_ns
        at_once = [
            other
            for other in children
            if other.calendar.starts_ns <= at_ns < other.calendar.ends_ns
        ]
        total_nanos = sum(other.limit_nanos for other in at_once)
        if total_nanos > parent.limit_nanos:
            names = ", ".join(repr(other.id) for other in at_once)
            problem = (
                f"{format_usd(total_nanos)} is carved from {parent.id!r} for {names}, and that has"
                f" {format_usd(parent.limit_nanos)}."
            )
            fix = "Lower their limits, or raise that one."
            problems.add(f"budgets.{each.id}.carved_from", problem, fix)
            return
