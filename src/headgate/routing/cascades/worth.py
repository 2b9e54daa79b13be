"""What a cascade is expected to reach and to cost, in whole numbers; pure.

The formula is that of `routing.evaluation.cascades`, where it is applied to each task of a file of
evidence: a step is reached with the chance that all before it were rejected, and accepted when the
verifier says so, rightly or not; the last step is accepted unseen. Here it is applied to what is
expected of models. That takes the steps' mistakes to be independent of each other: what is hard
for one model is hard for others as well, so it flatters a cascade.
"""

from collections.abc import Sequence
from typing import NamedTuple

PPM = 1_000_000
FINE = 1_000_000_000_000
"""Chances are multiplied in these parts, so that rounding stays below a millionth."""


class Rates(NamedTuple):
    """How a verifier errs, in millionths.

    Attributes:
        good_ppm: How often it accepts what is good (its true positive rate).
        bad_ppm: How often it accepts what is not (its false positive rate).
    """

    good_ppm: int
    bad_ppm: int


class Step(NamedTuple):
    """A model in a chain.

    Attributes:
        quality_ppm: The chance of a good answer.
        accepted_ppm: The chance that the verifier accepts it, good or not.
        cost_nanos: What asking and verifying costs.
    """

    quality_ppm: int
    accepted_ppm: int
    cost_nanos: int


class Expected(NamedTuple):
    """What a chain comes to: the chance of a good answer in the end, and what is paid for it."""

    quality_ppm: int
    cost_nanos: int


def accepted_ppm(quality_ppm: int, rates: Rates) -> int:
    """Return the chance that an answer is accepted."""
    return (quality_ppm * rates.good_ppm + (PPM - quality_ppm) * rates.bad_ppm) // PPM


def solved_ppm(accepted: int, rates: Rates, otherwise: int) -> int:
    """Return what share of answers is good when this share of them is accepted.

    The prevalence behind the results of a test that errs (Rogan and Gladen, 1978), held within 0
    and 1.

    Args:
        accepted: In millionths.
        rates: The verifier's; when it accepts bad answers no less than good ones it says nothing.
        otherwise: What is returned then.
    """
    tells = rates.good_ppm - rates.bad_ppm
    if tells <= 0:
        return otherwise
    return min(PPM, max(0, (accepted - rates.bad_ppm) * PPM // tells))


def expected(chain: Sequence[Step], rates: Rates, blind: int = 0) -> Expected:
    """Return what a chain comes to.

    Args:
        chain: At least one; the last is accepted unseen.
        rates: The verifier's.
        blind: So many of the first steps are never accepted: they are what others are compared
            with.
    """
    reached, quality, cost = FINE, 0, 0
    for number, step in enumerate(chain):
        cost += reached * step.cost_nanos
        if number == len(chain) - 1:
            quality += reached * step.quality_ppm
        elif number >= blind:
            good_ppm = min(step.quality_ppm * rates.good_ppm // PPM, step.accepted_ppm)
            quality += reached * good_ppm
            reached = reached * (PPM - step.accepted_ppm) // PPM
    return Expected(quality // FINE, cost // FINE)
