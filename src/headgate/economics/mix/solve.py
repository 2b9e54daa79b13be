"""Chooses the cheapest mix as a mixed-integer program, solved by HiGHS.

The program is in floats, because solvers are; what it chose is costed again in whole nano-dollars.
One column per user and offer (0 or 1); one per offer that is taken or not, where that matters;
one per month for what a minimum adds; one for the machines; one per month for whether the budget
may be broken in it.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field

import highspy
import numpy as np

from headgate.economics.inputs import InputError
from headgate.economics.mix.offers import ANY_VENDOR, Problem, allowed
from headgate.units.money import NANOS_PER_USD

GAP = 0.005
"""The solver may stop when it has proved that nothing is better by more than this share."""
SECONDS_MAX = 60.0
VENDOR_ROW = "vendor_share_max"
BREACHES = 20
"""One in so many months may break the budget."""


@dataclass(frozen=True, slots=True)
class Solution:
    """What was chosen.

    Attributes:
        chosen: For each user the index of an offer.
        gap: How far from the best it may be at most, as a share.
        shadow_usd: Limit to what all months together would cost less if it gave by one unit: a
            hundredth of what is spent for a vendor's share, a dollar a month for a budget or a
            minimum, a seat.
    """

    chosen: tuple[int, ...]
    gap: float
    shadow_usd: dict[str, float]


@dataclass(slots=True)
class _Program:
    """Columns and rows as they are added."""

    costs: list[float] = field(default_factory=list)
    uppers: list[float] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)
    vendors: list[str] = field(default_factory=list)
    rows: list[tuple[str, float, float, dict[int, float]]] = field(default_factory=list)

    def column(self, cost: float, upper: float, vendor: str, *, whole: bool) -> int:
        self.costs.append(cost)
        self.uppers.append(upper)
        self.whole.append(whole)
        self.vendors.append(vendor)
        return len(self.costs) - 1

    def row(self, name: str, low: float, high: float, terms: dict[int, float]) -> None:
        self.rows.append((name, low, high, terms))


def solve(problem: Problem) -> Solution:
    """Return the cheapest mix within `GAP`.

    Raises:
        InputError: No mix keeps to every limit, or none was found in `SECONDS_MAX`.
    """
    program, places = _program(problem)
    values, _, gap = _run(program, whole=True)
    chosen = [-1] * len(problem.users)
    for (user, offer), column in places.items():
        if values[column] > 0.5:
            chosen[user] = offer
    return Solution(tuple(chosen), gap, _shadow(program))


def _shadow(program: _Program) -> dict[str, float]:
    """Return the duals of the named rows of the program with fractions of users allowed."""
    values, duals, _ = _run(program, whole=False)
    spent = sum(cost * value for cost, value in zip(program.costs, values, strict=True))
    shadow: dict[str, float] = {}
    for (name, *_), dual in zip(program.rows, duals, strict=True):
        if name:
            # A vendor's row is in dollars; a hundredth more of the whole is what is asked for.
            unit = spent / 100 if name.startswith(VENDOR_ROW) else 1.0
            shadow[name] = shadow.get(name, 0.0) + unit * abs(dual)
    return shadow


def _program(problem: Problem) -> tuple[_Program, dict[tuple[int, int], int]]:
    program = _Program()
    places: dict[tuple[int, int], int] = {}
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
    _budget_rows(program, problem, monthly)
    _vendor_rows(program, problem, set(places.values()))
    return program, places


def _offer_rows(
    program: _Program,
    problem: Problem,
    index: int,
    places: dict[tuple[int, int], int],
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
                added = program.column(1.0, np.inf, offer.vendor, whole=False)
                paid = {column: month[column] for column in columns.values()}
                name = f"minimum of {offer.id}"
                program.row(name, 0.0, np.inf, paid | {added: 1.0, taken: -minimum})
                month[added] = 1.0
    if offer.kind == "machine":
        price = _usd(offer.price_nanos)
        count = program.column(price * problem.months, np.inf, offer.vendor, whole=True)
        for number, month in enumerate(monthly):
            used = {
                columns[user]: -_usd(problem.users[user].demand_nanos[number]) for user in users
            }
            program.row("", 0.0, np.inf, used | {count: _usd(offer.capacity_nanos)})
            month[count] = price


def _budget_rows(program: _Program, problem: Problem, monthly: list[dict[int, float]]) -> None:
    """Let all but one in `BREACHES` months cost at most the budget."""
    budget, breaks_max = _usd(problem.budget_nanos), problem.months // BREACHES
    breaks = []
    for month in monthly:
        # Enough to lift the row, whatever is chosen: what everything together would cost.
        most = sum(month.values())
        if most <= budget:
            continue
        if not breaks_max:
            program.row("budget_usd", -np.inf, budget, month)
            continue
        broken = program.column(0.0, 1.0, ANY_VENDOR, whole=True)
        breaks.append(broken)
        program.row("budget_usd", -np.inf, budget, month | {broken: -most})
    if breaks:
        program.row("", -np.inf, float(breaks_max), dict.fromkeys(breaks, 1.0))


def _vendor_rows(program: _Program, problem: Problem, served: Set[int]) -> None:
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


class _QuietHighs(highspy.Highs):
    """A solver that prints nothing; it would greet while it is made, before it can be told not to.

    Its constructor calls `enableCallbacks`, which is the first thing that prints. The solver's own
    methods have no types.
    """

    def enableCallbacks(self) -> None:  # noqa: N802 - the name is the solver's
        """Be silent, then do as the solver does."""
        self.setOptionValue("output_flag", False)
        super().enableCallbacks()  # type: ignore[no-untyped-call]


def _run(program: _Program, *, whole: bool) -> tuple[Sequence[float], Sequence[float], float]:
    """Return the columns' values, the rows' duals and the proven gap."""
    solver = _QuietHighs()  # type: ignore[no-untyped-call]
    for option, value in {
        "output_flag": False,
        "threads": 1,
        "random_seed": 1,
        "mip_rel_gap": GAP,
        "time_limit": SECONDS_MAX,
    }.items():
        solver.setOptionValue(option, value)
    solver.passModel(_model(program, whole=whole))
    solver.run()
    status = solver.getModelStatus()
    if status != highspy.HighsModelStatus.kOptimal:
        raise InputError(
            f"No mix keeps to every limit ({solver.modelStatusToString(status)}).",
            "Raise vendor_share_max, budget_usd or seats_max, lower a quality, or add an offer.",
        )
    solution = solver.getSolution()
    gap = float(solver.getInfo().mip_gap) if whole else 0.0
    return list(solution.col_value), list(solution.row_dual), gap


def _model(program: _Program, *, whole: bool) -> highspy.HighsLp:
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(program.costs), len(program.rows)
    model.col_cost_ = np.array(program.costs)
    model.col_lower_ = np.zeros(len(program.costs))
    model.col_upper_ = np.array(program.uppers)
    model.row_lower_ = np.array([low for _, low, _, _ in program.rows])
    model.row_upper_ = np.array([high for _, _, high, _ in program.rows])
    terms = [row for *_, row in program.rows]
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = np.cumsum([0, *(len(row) for row in terms)])
    model.a_matrix_.index_ = np.array([column for row in terms for column in row], dtype=np.int32)
    model.a_matrix_.value_ = np.array([value for row in terms for value in row.values()])
    if whole:
        kinds = highspy.HighsVarType
        model.integrality_ = [kinds.kInteger if one else kinds.kContinuous for one in program.whole]
    return model


def _usd(nanos: int) -> float:
    return nanos / NANOS_PER_USD
