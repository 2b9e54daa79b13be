"""Which chain of models is worth it: cheap ones before the one that needs no verifier; pure."""

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

from headgate.routing.cascades.worth import Expected, Rates, Step, expected

CHAIN_MAX = 4
CHEAPER_MAX = 8
"""So many of the cheapest are tried in front; more would make a decision slow."""


class Link(NamedTuple):
    """A candidate: its number, and what it is as a step that is verified and as one that is not."""

    number: int
    verified: Step
    unseen: Step


class Limits(NamedTuple):
    """What a chain has to keep to.

    Attributes:
        steps_max: So many steps at most, from 1 to `CHAIN_MAX`.
        blind: So many of the first are never accepted, so a chain has to have more in front.
        least_ppm: The quality it has to reach.
    """

    steps_max: int
    blind: int
    least_ppm: int


class Worth(NamedTuple):
    """The chain that does best, by the candidates' numbers, and whether it pays.

    Attributes:
        pays: Whether it reaches the wanted quality for less than the last one alone costs.
        reached: What it comes to.
        alone: What the last one alone comes to.
    """

    chain: tuple[int, ...]
    pays: bool
    reached: Expected
    alone: Expected


def worth(last: Link, cheaper: Sequence[Link], rates: Rates, limits: Limits) -> Worth | None:
    """Return the cheapest chain in front of `last` that is good enough; None when there is none.

    Where no chain is good enough, it is the cheapest of the others, and does not pay.

    Args:
        last: The one that is accepted unseen.
        cheaper: Those that may stand before it, the cheapest first.
        rates: The verifier's.
        limits: What a chain has to keep to.
    """
    alone = Expected(last.unseen.quality_ppm, last.unseen.cost_nanos)
    found: Worth | None = None
    for size in range(limits.blind + 1, min(limits.steps_max, CHAIN_MAX)):
        for front in combinations(cheaper[:CHEAPER_MAX], size):
            steps = (*(each.verified for each in front), last.unseen)
            reached = expected(steps, rates, limits.blind)
            good = reached.quality_ppm >= limits.least_ppm
            pays = good and reached.cost_nanos < alone.cost_nanos
            if found is None or (not good, reached.cost_nanos) < (
                found.reached.quality_ppm < limits.least_ppm,
                found.reached.cost_nanos,
            ):
                chain = (*(each.number for each in front), last.number)
                found = Worth(chain, pays, reached, alone)
    return found
