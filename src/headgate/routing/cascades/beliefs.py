"""What is believed of a verifier and of those it judges, from counts; whole numbers, pure."""

from typing import NamedTuple

from headgate.routing.cascades.worth import PPM, Rates, accepted_ppm, solved_ppm

PRIOR_N = 10
"""What is believed beforehand counts as so many outcomes (the size of a Beta prior)."""

KEPT_MAX = 400
"""From so many outcomes on all counts are halved, so that what is long past is forgotten."""


class Verdicts(NamedTuple):
    """How often a verifier was right and wrong about answers of which the truth became known."""

    good_accepted: int = 0
    good_rejected: int = 0
    bad_accepted: int = 0
    bad_rejected: int = 0

    def told(self, *, accepted: bool, good: bool) -> "Verdicts":
        """Return the counts with one more."""
        kept = Verdicts(*(each // 2 for each in self)) if sum(self) >= KEPT_MAX else self
        if good:
            return kept._replace(
                good_accepted=kept.good_accepted + accepted,
                good_rejected=kept.good_rejected + (not accepted),
            )
        return kept._replace(
            bad_accepted=kept.bad_accepted + accepted,
            bad_rejected=kept.bad_rejected + (not accepted),
        )


def posterior_ppm(prior_ppm: int, hits: int, misses: int) -> int:
    """Return the mean of a Beta posterior whose prior has this mean and the size `PRIOR_N`."""
    return (prior_ppm * PRIOR_N + hits * PPM) // (PRIOR_N + hits + misses)


def rates_of(prior: Rates, seen: Verdicts) -> Rates:
    """Return how a verifier is believed to err after what was seen of it."""
    return Rates(
        posterior_ppm(prior.good_ppm, seen.good_accepted, seen.good_rejected),
        posterior_ppm(prior.bad_ppm, seen.bad_accepted, seen.bad_rejected),
    )


def judged(quality_ppm: int, rates: Rates, accepted: int, rejected: int) -> tuple[int, int]:
    """Return a model's chances of a good and of an accepted answer, after so many were judged.

    Args:
        quality_ppm: The chance of a good answer that is expected without them.
        rates: The verifier's.
        accepted: How many of its answers the verifier accepted.
        rejected: How many it did not.
    """
    plain = accepted_ppm(quality_ppm, rates)
    if not accepted and not rejected:
        return quality_ppm, plain
    share = posterior_ppm(plain, accepted, rejected)
    return solved_ppm(share, rates, quality_ppm), share
