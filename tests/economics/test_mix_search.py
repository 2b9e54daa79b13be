"""The search for the mix: it ends when it has enough, or no time, and says what it has proved."""

import random
from fractions import Fraction

import pytest

from headgate.economics.mix.highs import UnsolvedError
from headgate.economics.mix.highs import run as run_solver
from headgate.economics.mix.load_team import load_offers
from headgate.economics.mix.offers import team_costs
from headgate.economics.mix.program import program_of
from headgate.economics.mix.solve import solve
from tests.economics.test_mix import best_of_all, crowd, kept, offer, problem, seat


def test_what_is_enough_ends_the_search() -> None:
    """Values are taken as soon as they cost no more than is wanted, and cost what is told."""
    program, _ = program_of(problem(crowd(random.Random(1), 20, 3), load_offers(None)))
    best = run_solver(program, program.whole, 0.0)

    found = run_solver(program, program.whole, 0.0, enough=best.cost * 1.5)

    paid = zip(program.costs, found.values, strict=True)
    assert best.cost <= found.cost <= best.cost * 1.5
    assert found.cost == pytest.approx(sum(cost * value for cost, value in paid))
    with pytest.raises(UnsolvedError, match="Time limit"):
        run_solver(program, program.whole, 0.0, seconds_max=0.0)


def test_a_search_without_time_leaves_the_mix_that_was_near() -> None:
    """It keeps to every limit, and its gap is what was proved without the search."""
    offers = [offer("api"), seat("plan", 20, 300, vendor="a", overage=None, seats_min=2)]
    one = problem(crowd(random.Random(7), 5, 3), offers, vendor_share_max=Fraction("0.8"))

    hurried = solve(one, seconds_max=0.0)

    best = best_of_all(one)
    assert best is not None
    paid = sum(team_costs(one, hurried.chosen))
    assert kept(one, hurried.chosen)
    assert best <= paid <= best / (1 - Fraction(hurried.gap))
    assert hurried.gap > solve(one).gap
