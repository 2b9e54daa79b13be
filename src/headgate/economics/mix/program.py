"""A mix as a mixed-integer program: columns, and the rows that bind them.

In floats, because solvers are. One column per user and offer (0 or 1); one per offer that is taken
or not, where that matters; one per month for what a minimum adds; one for the machines; one per
month for whether the budget may be broken in it.
"""

from collections.abc import Set
from dataclasses import dataclass, field

import numpy as np

from headgate.economics.mix.offers import ANY_VENDOR, Problem, allowed, machines_needed
from headgate.units.money import NANOS_PER_USD

VENDOR_ROW = "vendor_share_max"
BREACHES = 20
"""One in so many months may break the budget."""

Places = dict[tuple[int, int], int]
"""(user, offer) -> column."""


@dataclass(slots=True)
class Program:
    """Columns and rows as they are added."""

    costs: list[float] = field(default_factory=list)
    uppers: list[float] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)
    vendors: list[str] = field(default_factory=list)
    rows: list[tuple[str, float, float, dict[int, float]]] = field(default_factory=list)

    def column(self, cost: float, upper: float, vendor: str, *, whole: bool) -> int:
        """Add a column of at least 0; returns its number."""
        self.costs.append(cost)
        self.uppers.append(upper)
        self.whole.append(whole)
        self.vendors.append(vendor)
        return len(self.costs) - 1

    def row(self, name: str, low: float, high: float, terms: dict[int, float]) -> None:
        """Add a row; its name is what it is told by, empty when it is not."""
        self.rows.append((name, low, high, terms))


def program_of(problem: Problem) -> tuple[Program, Places]:
    """Return the program of a mix, and where each choice stands in it."""
    program = Program()
    places: Places = {}
    monthly: list[dict[int, float]] = [{} for _ in range(problem.months)]
    for number, user in enumerate(problem.users):
        own: dict[int, float] = {}
        for index, offer in enumerate(problem.offers):
            costs = problem.costs(user, offer)
            upper = float(allowed(user, offer))
            column = program.column(_usd(sum(costs)), upper, offer.vendor, whole=True)
            places[number, index] = column
            own[column] = 1.0
            for month, cost in zip(monthly, costs, strict=True):
                month[column] = _usd(cost)
        program.row("", 1.0, 1.0, own)
    for index in range(len(problem.offers)):
        _offer_rows(program, problem, index, places, monthly)
    _budget_rows(program, problem, monthly, places)
    _vendor_rows(program, problem, set(places.values()))
    return program, places


def _offer_rows(
    program: Program,
    problem: Problem,
    index: int,
    places: Places,
    monthly: list[dict[int, float]],
) -> None:
    """Add what binds the users of one offer: seats, a minimum, machines."""
    offer = problem.offers[index]
    users = range(len(problem.users))
    columns = {number: places[number, index] for number in users}
    most = len(problem.users) if offer.seats_max is None else offer.seats_max
    if offer.seats_min or offer.minimum_nanos or offer.seats_max is not None:
        taken = program.column(0.0, 1.0, offer.vendor, whole=True)
        seats = dict.fromkeys(columns.values(), 1.0)
        program.row("", -np.inf, 0.0, seats | {taken: -float(most)})
        program.row(f"seats_min of {offer.id}", 0.0, np.inf, seats | {taken: -offer.seats_min})
        if offer.minimum_nanos:
            minimum = _usd(offer.minimum_nanos)
            for month in monthly:
                added = program.column(1.0, minimum, offer.vendor, whole=False)
                paid = {column: month[column] for column in columns.values()}
                name = f"minimum of {offer.id}"
                program.row(name, 0.0, np.inf, paid | {added: 1.0, taken: -minimum})
                month[added] = 1.0
    if offer.kind == "machine":
        price = _usd(offer.price_nanos)
        all_of_them = float(machines_needed(offer, problem.users))
        count = program.column(price * problem.months, all_of_them, offer.vendor, whole=True)
        for number, month in enumerate(monthly):
            used = {
                columns[user]: -_usd(problem.users[user].demand_nanos[number]) for user in users
            }
            program.row("", 0.0, np.inf, used | {count: _usd(offer.capacity_nanos)})
            month[count] = price


def _budget_rows(
    program: Program, problem: Problem, monthly: list[dict[int, float]], places: Places
) -> None:
    """Let all but one in `BREACHES` months cost at most the budget."""
    budget, breaks_max = _usd(problem.budget_nanos), problem.months // BREACHES
    breaks = []
    for month in monthly:
        most = _most(program, problem, month, places)
        if most <= budget:
            continue
        if not breaks_max:
            program.row("budget_usd", -np.inf, budget, month)
            continue
        broken = program.column(0.0, 1.0, ANY_VENDOR, whole=True)
        breaks.append(broken)
        program.row("budget_usd", -np.inf, budget, month | {broken: budget - most})
    if breaks:
        program.row("", -np.inf, float(breaks_max), dict.fromkeys(breaks, 1.0))


def _most(program: Program, problem: Problem, month: dict[int, float], places: Places) -> float:
    """Return what a month costs at most: everybody's dearest offer, every minimum and machine."""
    users = [0.0] * len(problem.users)
    for (user, _), column in places.items():
        if program.uppers[column]:
            users[user] = max(users[user], month.get(column, 0.0))
    own = frozenset(places.values())
    shared = (cost * program.uppers[at] for at, cost in month.items() if at not in own)
    return sum(users) + sum(shared)


def _vendor_rows(program: Program, problem: Problem, served: Set[int]) -> None:
    """Keep each vendor's part of all costs within its share.

    What others are paid for machines and minimums is left out of the whole: the program could
    otherwise buy idle machines from one vendor to make another's part look small.
    """
    share = float(problem.vendor_share_max)
    if share >= 1:
        return
    for vendor in sorted({offer.vendor for offer in problem.offers} - {ANY_VENDOR}):
        terms = {
            column: cost * ((program.vendors[column] == vendor) - share)
            for column, cost in enumerate(program.costs)
            if cost and (column in served or program.vendors[column] == vendor)
        }
        program.row(f"{VENDOR_ROW} of {vendor}", -np.inf, 0.0, terms)


def _usd(nanos: int) -> float:
    return nanos / NANOS_PER_USD
