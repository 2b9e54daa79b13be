"""The report on a mix: what it costs, what it saves, who moves, and what binds."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from headgate.economics.amounts import dollars
from headgate.economics.exact import rounded
from headgate.economics.inputs import InputError, Inputs
from headgate.economics.mix.offers import Offer, Problem, User, allowed, machines_needed, team_costs
from headgate.economics.mix.solve import GAP, SLOW_GAP, Solution, solve
from headgate.economics.report import ChartView, Report, SeriesView, TableView, assumptions
from headgate.units.money import NANOS_PER_USD

MOVES_MAX = 5
COVERAGE = (0.025, 0.975)
LIMITS = [
    "Demand is what was asked for at API list prices; nobody asks for more because it is cheaper.",
    "Where two offers cost a user the same, either may be named.",
    "A plan's capacity is taken as one amount a month; limits of five hours and weeks stop people "
    "earlier.",
    "The interval takes the months as like those to come, and users' months as moving together.",
    f"The solver stops within {100 * GAP:g} % of the best, or {100 * SLOW_GAP:g} % where more "
    "takes long; shadow prices are those of the program with fractions of users.",
]


def problem_of(inputs: Inputs, users: tuple[User, ...], offers: tuple[Offer, ...]) -> Problem:
    """Return what is to be chosen.

    Raises:
        InputError: No offer may serve some user, or one is served today by an unknown offer.
    """
    known = {one.id for one in offers}
    for user in users:
        if not any(allowed(user, offer) for offer in offers):
            raise InputError(
                f"No offer may serve {user.id}.", "Lower its quality, or add an offer and region."
            )
        if user.now is not None and user.now not in known:
            raise InputError(f"{user.id} has {user.now!r}, which is no offer.", "Add that offer.")
    return Problem(
        users=users,
        offers=offers,
        vendor_share_max=inputs["vendor_share_max"],
        budget_nanos=int(inputs["budget_usd"] * NANOS_PER_USD),
        loss_per_usd=inputs["loss_per_usd"],
    )


def mix_report(
    inputs: Inputs, problem: Problem, baseline: str | None, seed: int, content: str
) -> Report:
    """Return the report.

    Args:
        inputs: Limits and counts.
        problem: What is to be chosen.
        baseline: The offer of users whose own is not told; None for the first of all.
        seed: What the samples of months follow from.
        content: The hash of the files that were read.

    Raises:
        InputError: There is not enough data, or no mix keeps to every limit.
    """
    held, least = inputs.whole("held_out"), inputs.whole("months_min")
    if problem.months - held < least:
        raise _too_few(problem.months, held, least)
    seen = _months(problem, 0, problem.months - held)
    solution = solve(seen)
    before = _baseline(problem, baseline)
    now, then = team_costs(seen, before), team_costs(seen, solution.chosen)
    saved = [one - other for one, other in zip(now, then, strict=True)]
    low, high = _interval(saved, seed, inputs.whole("bootstrap"))
    name = _name_of_baseline(problem, baseline)
    return Report(
        command="mix",
        answer=[
            f"The cheapest mix costs {_mean(then)} USD a month, {name} {_mean(now)} USD: it saves "
            f"{_mean(saved)} USD a month (95 %: {_usd(low)} to {_usd(high)}).",
            f"{_moved(solution.chosen, before):,} of {len(problem.users):,} users change.",
            *_late(solution),
            *_hindsight(problem, solution, held),
        ],
        figures={
            "cost_usd": _plain(_mean_of(then)),
            "baseline_usd": _plain(_mean_of(now)),
            "saving_usd": _plain(_mean_of(saved)),
            "saving_low_usd": _plain(low),
            "saving_high_usd": _plain(high),
            "gap": f"{solution.gap:.6f}",
        },
        tables=[
            _offers(seen, solution.chosen),
            _moves(seen, solution.chosen, before),
            *_binding(seen, solution),
            _users(seen, solution.chosen, before),
        ],
        charts=[_chart({name: now, "the mix": then})],
        limits=LIMITS,
        assumptions=assumptions(inputs),
        inputs_sha256=inputs.sha256(content, f"seed={seed}", f"baseline={baseline}"),
        seed=seed,
    )


def _too_few(months: int, held: int, least: int) -> InputError:
    """Return the refusal of too few months, with what would help."""
    left = _counted(max(0, months - held))
    if held:
        told = f"Not enough data: {left} beside {held} held out, {least} are needed."
        return InputError(told, f"Give more months, or set held_out to {max(0, months - least)}.")
    return InputError(
        f"Not enough data: {left}, {least} are needed.",
        "Give more months: import older logs (headgate import PATH), or name a FILE of months. "
        "An answer from fewer (months_min, at least 2) is hardly one.",
    )


def _counted(months: int) -> str:
    return f"{months} month{'s' * (months != 1)}"


def _months(problem: Problem, first: int, last: int) -> Problem:
    users = tuple(replace(one, demand_nanos=one.demand_nanos[first:last]) for one in problem.users)
    return replace(problem, users=users)


def _baseline(problem: Problem, name: str | None) -> list[int]:
    """Return everybody's offer of today; the baseline's where that is not told."""
    places = {offer.id: index for index, offer in enumerate(problem.offers)}
    if name is not None and name not in places:
        raise InputError(f"There is no offer {name!r}.", f"Offers: {', '.join(places)}.")
    usual = 0 if name is None else places[name]
    return [usual if one.now is None else places[one.now] for one in problem.users]


def _name_of_baseline(problem: Problem, name: str | None) -> str:
    told = [one.now is not None for one in problem.users]
    usual = name or problem.offers[0].id
    if all(told):
        return "what they have now"
    return f"what they have now (else {usual})" if any(told) else usual


def _usd(nanos: Fraction | int) -> str:
    return dollars(Fraction(nanos) / NANOS_PER_USD)


def _mean(nanos: Sequence[int]) -> str:
    return _usd(_mean_of(nanos))


def _plain(nanos: Fraction | int) -> str:
    return rounded(Fraction(nanos) / NANOS_PER_USD, 2)


def _mean_of(nanos: Sequence[int]) -> Fraction:
    return Fraction(sum(nanos), len(nanos))


def _interval(saved: Sequence[int], seed: int, samples: int) -> tuple[Fraction, Fraction]:
    """Return the 95 % interval of the mean monthly saving: months drawn with replacement."""
    generator = np.random.Generator(np.random.PCG64(seed))
    picks = generator.integers(0, len(saved), (samples, len(saved)))
    means = sorted(sum(saved[int(index)] for index in row) for row in picks)
    low, high = (means[min(samples - 1, int(share * samples))] for share in COVERAGE)
    return Fraction(low, len(saved)), Fraction(high, len(saved))


def _chart(lines: Mapping[str, Sequence[int]]) -> ChartView:
    return ChartView(
        title="Cost of the team, month by month",
        x="month",
        y="USD",
        series=[
            SeriesView(
                name=name,
                points=[(str(month), _plain(cost)) for month, cost in enumerate(costs, 1)],
            )
            for name, costs in lines.items()
        ],
    )


def _moved(chosen: Sequence[int], before: Sequence[int]) -> int:
    return sum(one != other for one, other in zip(chosen, before, strict=True))


def _late(solution: Solution) -> list[str]:
    """Return how far from the best the mix may be, where the solver ran out of time."""
    if solution.gap <= SLOW_GAP:
        return []
    share = rounded(100 * Fraction(solution.gap), 1)
    return [f"The solver ran out of time: a mix that is up to {share} % cheaper may exist."]


def _hindsight(problem: Problem, solution: Solution, held: int) -> list[str]:
    """Return how the choice fared in the months it had not seen."""
    if not held:
        return []
    later = _months(problem, problem.months - held, problem.months)
    paid, best = team_costs(later, solution.chosen), team_costs(later, solve(later).chosen)
    regret = [one - other for one, other in zip(paid, best, strict=True)]
    return [
        f"In the {_counted(held)} it had not seen it costs {_mean(paid)} USD a month, "
        f"{_mean(regret)} USD more than the best choice in hindsight."
    ]


def _offers(problem: Problem, chosen: Sequence[int]) -> TableView:
    rows = []
    for index, offer in enumerate(problem.offers):
        users = [one for one, taken in zip(problem.users, chosen, strict=True) if taken == index]
        if users:
            part = replace(problem, users=tuple(users))
            machines = machines_needed(offer, users) if offer.kind == "machine" else None
            rows.append(
                [
                    offer.id,
                    offer.vendor,
                    f"{len(users):,}",
                    "" if machines is None else f"{machines:,}",
                    _mean(team_costs(part, [index] * len(users))),
                ]
            )
    return TableView(
        title="The mix",
        columns=["offer", "vendor", ">users", ">machines", ">USD a month"],
        rows=rows,
    )


def _own_cost(problem: Problem, user: User, index: int) -> Fraction:
    costs = problem.costs(user, problem.offers[index])
    return Fraction(sum(costs), len(costs))


def _moves(problem: Problem, chosen: Sequence[int], before: Sequence[int]) -> TableView:
    moves = []
    for user, new, old in zip(problem.users, chosen, before, strict=True):
        if new != old:
            saved = _own_cost(problem, user, old) - _own_cost(problem, user, new)
            moves.append((saved, user, problem.offers[old], problem.offers[new]))
    moves.sort(key=lambda move: (-move[0], move[1].id))
    return TableView(
        title="The moves that save most, without what users of an offer share",
        columns=["user", "from", "to", ">saved USD a month", "why"],
        rows=[
            [user.id, old.id, new.id, _usd(saved), _reason(user, old, new)]
            for saved, user, old, new in moves[:MOVES_MAX]
        ],
    )


def _reason(user: User, old: Offer, new: Offer) -> str:
    if not allowed(user, old):
        return "what served until now may not: quality or region"
    demand = f"{_mean(user.demand_nanos)} USD of demand a month at API prices"
    if new.kind == "seat":
        return f"{demand}; a seat costs {_usd(new.price_nanos)}"
    if new.kind == "machine":
        return f"{demand}; a share of a machine serves it"
    share = rounded(100 * new.cost_share, 1)
    return f"{demand}; this costs {share} % of it"


def _binding(problem: Problem, solution: Solution) -> list[TableView]:
    rows = [
        [name, f"{value / problem.months:,.4f}"]
        for name, value in sorted(solution.shadow_usd.items(), key=lambda item: -item[1])
        if value > 1e-9
    ]
    if not rows:
        return []
    return [
        TableView(
            title="What binds: USD a month less, if it gave by 1 dollar, seat or % of spend",
            columns=["limit", ">shadow price"],
            rows=rows,
        )
    ]


def _users(problem: Problem, chosen: Sequence[int], before: Sequence[int]) -> TableView:
    return TableView(
        title="Users",
        columns=["user", "from", "to", ">demand USD a month", ">USD a month"],
        rows=[
            [
                user.id,
                problem.offers[old].id,
                problem.offers[new].id,
                _mean(user.demand_nanos),
                _usd(_own_cost(problem, user, new)),
            ]
            for user, new, old in zip(problem.users, chosen, before, strict=True)
        ],
    )
