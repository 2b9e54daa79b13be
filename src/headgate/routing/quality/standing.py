"""What is known of how well models do, from before and from outcomes, as terms of log-odds.

A prior is fitted on other people's questions; outcomes are this gateway's own. The first says
what to expect as long as little else is known: it counts as a few outcomes, however many it was
fitted on, so that what was seen here wins in the end. Nothing here needs NumPy; a prior does.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Protocol

from headgate.routing.learning.outcomes import Shares, largest

PRIOR_N_MAX = 10.0
"""A prior counts as so many outcomes at most."""

UNKNOWN_N = 1.0
"""What nothing is known of counts as one imaginary outcome at even odds: the interval is wide."""

SPREAD_MIN = 1e-4
INTERVAL_SDS = 1.96
MILLI = 1_000
PPM = 1_000_000

LEARNED = "learned"
"""The term that outcomes add; the others were there before them."""

NO_SHARES: Sequence[float] = (1.0,)
"""Where no clusters are known all texts are of one."""

Odds = Mapping[str, float]


class Reading(Protocol):
    """What a prior says of one text.

    Attributes:
        shares: How much it belongs to each cluster; they sum to 1.
        hard: What it says of models it does not know: how hard the text is for all it knows.
    """

    shares: Sequence[float]
    hard: Odds

    def terms(self, model: str, /) -> tuple[Odds, float] | None:
        """Return log-odds by name (`base`, `cluster`, `words`), and how many texts say so.

        None of a model that it does not know.
        """


class NothingRead:
    """What is said of a text without a prior."""

    shares = NO_SHARES
    hard: Odds = MappingProxyType({})

    def terms(self, _model: str) -> tuple[Odds, float] | None:
        """Return that nothing is known."""
        return None


NOTHING_READ = NothingRead()


class Prior(Protocol):
    """An estimator that was fitted before."""

    def read(self, text: str, /) -> Reading:
        """Return what it says of a text; of an empty one what it says of any."""


class Outcomes(Protocol):
    """What was learned from outcomes of this gateway's own calls."""

    def term(self, model: str, shares: Shares, expected: float, /) -> tuple[float, float]:
        """Return what is added to the log-odds of a good outcome, and how many outcomes say so.

        Args:
            model: As prices name it (`Deployment.priced_as`).
            shares: The clusters of the prior that the text belongs to most.
            expected: The log-odds without them.

        Returns:
            Of the model's calls in these clusters, decayed; (0.0, 0.0) when there were none.
        """


class NoOutcomes:
    """Nothing was learned yet."""

    def term(self, _model: str, _shares: Shares, _expected: float) -> tuple[float, float]:
        """Return that there were no outcomes."""
        return 0.0, 0.0


class Quality(NamedTuple):
    """How well a model is expected to do, in whole numbers; see `routing.candidate.Estimated`."""

    quality_ppm: int
    low_ppm: int
    high_ppm: int
    n_milli: int
    terms: tuple[tuple[str, int], ...]


class Standing:
    """What a worker knows of models.

    Attributes:
        prior: None where none is there.
        outcomes: Replaced as a whole when the steward tells new ones.
    """

    def __init__(self, prior: Prior | None = None, outcomes: Outcomes | None = None) -> None:
        self.prior = prior
        self._text: str | None = None
        self._reading: Reading = NOTHING_READ
        self.outcomes: Outcomes = NoOutcomes() if outcomes is None else outcomes

    def read(self, text: str) -> Reading:
        """Return what the prior says of a text; the same text again costs nothing."""
        if self.prior is None:
            return NOTHING_READ
        if text is not self._text:
            self._text, self._reading = text, self.prior.read(text)
        return self._reading

    def quality(self, reading: Reading, models: Iterable[str]) -> dict[str, Quality]:
        """Return what is expected of models, by their names, for a text that was read."""
        shares = largest(reading.shares)
        return {model: self._quality(reading, shares, model) for model in models}

    def _quality(self, reading: Reading, shares: Shares, model: str) -> Quality:
        known = reading.terms(model)
        if known is None:
            # How hard a text is says little of a model that was never seen.
            terms, evidence = reading.hard, 0.0
        else:
            terms, texts = known
            evidence = min(texts, PRIOR_N_MAX)
        odds = sum(terms.values())
        learned, seen_n = self.outcomes.term(model, shares, odds)
        if seen_n > 0:
            terms = {**terms, LEARNED: learned}
            odds += learned
            evidence += seen_n
        return _in_integers(odds, evidence, terms)


def _in_integers(odds: float, n: float, terms: Odds) -> Quality:
    quality = _rate(odds)
    # The standard error of a rate from n outcomes, carried over to log-odds (delta method).
    spread = max(quality * (1 - quality), SPREAD_MIN) * max(n, UNKNOWN_N)
    width = INTERVAL_SDS / math.sqrt(spread)
    return Quality(
        round(quality * PPM),
        round(_rate(odds - width) * PPM),
        round(_rate(odds + width) * PPM),
        round(n * MILLI),
        tuple([(name, round(value * MILLI)) for name, value in terms.items()]),
    )


def _rate(odds: float) -> float:
    """Return the rate of log-odds; far out it is 0 or 1, which no float says otherwise."""
    return 1 / (1 + math.exp(-odds)) if odds > -700 else 0.0
