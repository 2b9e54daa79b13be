"""Chooses the cheapest mix within a stated share of the best, proved by a bound.

With fractions of most users, and all that is shared still whole, the program is quickly solved; no
mix is cheaper than that. Few users are fractions in it, as many as there are limits that bind.
Deciding those and some others anew mostly comes close enough to that bound to be done. Where it
does not, the whole program is solved. What was chosen is costed again in whole
nano-dollars.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from headgate.economics.inputs import InputError
from headgate.economics.mix.highs import SECONDS_MAX, Found, UnsolvedError, run
from headgate.economics.mix.offers import Problem
from headgate.economics.mix.program import VENDOR_ROW, Places, Program, program_of

GAP = 0.005
"""The solver may stop when it has proved that nothing is better by more than this share."""
SLOW_GAP = 0.008
"""Where few users are much of the spend this is proved long before `GAP` is, and is enough."""
BOUND_GAP = GAP / 4
"""How close the bound itself is solved, which is a part of the whole gap."""
NEARLY = 1e-6
LARGE_USERS = 30
"""So many of those who cost most are decided anew: what is left of a part of one is much."""
OPEN_USERS = 100
"""So many others are, beside the fractions."""


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


def solve(problem: Problem, *, seconds_max: float = SECONDS_MAX) -> Solution:
    """Return the cheapest mix within `GAP`.

    Args:
        problem: Who needs what, and what is offered.
        seconds_max: After so long the search ends for what only a long one would prove.

    Raises:
        InputError: No mix keeps to every limit, or none was found in time.
    """
    program, places = program_of(problem)
    try:
        found, gap = _cheapest(program, places, seconds_max)
        shadow = _shadow(program)
    except UnsolvedError as error:
        raise InputError(
            f"No mix keeps to every limit ({error}).",
            "Raise vendor_share_max, budget_usd or seats_max, lower a quality, or add an offer.",
        ) from error
    chosen = [-1] * len(problem.users)
    for (user, offer), column in places.items():
        if found.values[column] > 0.5:
            chosen[user] = offer
    return Solution(tuple(chosen), gap, shadow)


def _cheapest(program: Program, places: Places, seconds_max: float) -> tuple[Found, float]:
    """Return whole values within `GAP` of the best, and the gap that is proved."""
    columns: dict[int, list[int]] = {}
    for (user, _), column in places.items():
        columns.setdefault(user, []).append(column)
    by_cost = sorted(columns, key=lambda user: -_dearest(program, columns[user]))
    users = frozenset(places.values())
    whole = [one and column not in users for column, one in enumerate(program.whole)]
    loose = run(program, whole, BOUND_GAP)
    near = _rounded(program, whole, loose, [columns[user] for user in by_cost])
    if near is not None and (gap := _gap(near.cost, loose.bound)) <= GAP:
        return near, gap
    enough = _enough(loose, SLOW_GAP)
    try:
        best = run(program, program.whole, GAP, enough=enough, seconds_max=seconds_max)
    except UnsolvedError:
        if near is None:
            raise
        # Nothing was found in time; what is near is a mix, of which less is proved.
        best = replace(near, bound=loose.bound)
    if near is not None and near.cost < best.cost:
        best = replace(near, bound=best.bound)
    return best, _gap(best.cost, max(best.bound, loose.bound))


def _enough(loose: Found, gap: float) -> float:
    """Return the cost that is within a share of the best, whatever that is above the bound."""
    return loose.bound / (1 - gap)


def _rounded(
    program: Program, whole: Sequence[bool], loose: Found, users: Sequence[Sequence[int]]
) -> Found | None:
    """Return whole values in which most users keep their offers; None: there are none.

    Open are those who cost most, those who are fractions, and those to whom another offer costs
    least more at the prices that the limits have then.

    Args:
        program: What binds them.
        whole: Which columns are whole in `loose`.
        loose: The cheapest with fractions of users.
        users: The columns of each, who costs most first.
    """
    settled = {at: round(loose.values[at]) for at, one in enumerate(whole) if one}
    priced = run(program, [False] * len(whole), GAP, fixed=settled)
    rest = sorted(
        users[LARGE_USERS:], key=lambda columns: _cost_of_moving(program, priced, columns)
    )
    fixed = {
        column: round(priced.values[column])
        for columns in rest[OPEN_USERS:]
        if not _is_split(priced, columns)
        for column in columns
    }
    try:
        return run(program, program.whole, GAP / 2, fixed=fixed, enough=_enough(loose, GAP))
    except UnsolvedError:
        return None


def _dearest(program: Program, columns: Sequence[int]) -> float:
    return max(program.costs[column] for column in columns)


def _is_split(found: Found, columns: Sequence[int]) -> bool:
    return any(NEARLY < found.values[column] < 1 - NEARLY for column in columns)


def _cost_of_moving(program: Program, found: Found, columns: Sequence[int]) -> float:
    """Return what a user's next best offer costs more than the one it has."""
    return min(
        (
            found.reduced[column]
            for column in columns
            if program.uppers[column] and found.values[column] < NEARLY
        ),
        default=math.inf,
    )


def _gap(cost: float, bound: float) -> float:
    return max(0.0, (cost - bound) / abs(cost)) if cost else 0.0


def _shadow(program: Program) -> dict[str, float]:
    """Return the duals of the named rows of the program with fractions of everything allowed."""
    found = run(program, [False] * len(program.whole), GAP)
    shadow: dict[str, float] = {}
    for (name, *_), dual in zip(program.rows, found.duals, strict=True):
        if name:
            # A vendor's row is in dollars; a hundredth more of the whole is what is asked for.
            unit = found.cost / 100 if name.startswith(VENDOR_ROW) else 1.0
            shadow[name] = shadow.get(name, 0.0) + unit * abs(dual)
    return shadow
