"""Operating points: how much a dollar must buy, chosen on the training part before any test."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from headgate.routing.evaluation.evidence import Evidence
from headgate.routing.evaluation.metrics import Spot, hull
from headgate.routing.quality.sparse import Floats, Ints

TARGETS = {"95": 0.95, "98": 0.98, "100": 1.0, "max": None}
"""Shares of the best single model's quality; `max` is the highest quality there is."""

BELIEVED = 0.5
"""How much of a point's quality on the training part is what was estimated of the rows, the rest
being what they scored. Scores alone are noisy, and of many points the luckiest would be chosen;
estimates alone flatter, for of several models the one that is thought best too well is taken. The
two err apart, so their mean errs less."""

SPARE_ERRORS = 0.5
"""What has to be gained over the best single model where all of its quality is wanted, in standard
errors: a point that only just equals it falls short every second time."""

TRIED = 120
SPAN = (1e-3, 1e2)
"""Prices of quality tried, per mean cost of a call of the dearest model; 0 is tried too."""


@dataclass(frozen=True, slots=True)
class Operating:
    """What was decided on the training part for one target.

    Attributes:
        quality_per_usd: How much quality a dollar must buy; None: always the best single model,
            because nothing else was seen to reach the target.
        best_single: The column of the best single model.
    """

    quality_per_usd: float | None
    best_single: int

    @property
    def point_usd(self) -> float:
        """What a percentage point of quality is worth in dollars; NaN for no finite price."""
        return 0.01 / self.quality_per_usd if self.quality_per_usd else float("nan")

    def choose(self, quality: Floats, cost: Floats) -> Ints:
        """Return the column chosen for each row of estimates."""
        if self.quality_per_usd is None:
            return np.full(len(quality), self.best_single)
        return chosen(quality, cost, self.quality_per_usd)


def chosen(quality: Floats, cost: Floats, quality_per_usd: float) -> Ints:
    """Return the column with the highest quality less its price, for each row."""
    return np.asarray(np.argmax(quality - quality_per_usd * cost, axis=1))


def prices(costs: Floats) -> Floats:
    """Return the prices of quality to try, rising, for calls that cost this much."""
    scale = max(float(costs.mean(axis=0).max()), 1e-12)
    return np.concatenate([[0.0], np.geomspace(*SPAN, TRIED)]) / scale


def curve(evidence: Evidence, quality: Floats, cost: Floats, tried: Floats) -> list[Spot]:
    """Return what each price of quality costs and reaches on these rows."""
    rows = np.arange(len(evidence))
    picks = [chosen(quality, cost, price) for price in tried]
    return [
        Spot(float(evidence.costs[rows, of].mean()), float(evidence.scores[rows, of].mean()))
        for of in picks
    ]


class _Foreseen(NamedTuple):
    """What a price of quality costs, the quality to expect of it elsewhere, and how sure that is.

    Attributes:
        error: The standard error of what was gained over the best single model.
    """

    cost: float
    quality: float
    error: float


def _foreseen(train: Evidence, quality: Floats, cost: Floats, tried: Floats) -> list[_Foreseen]:
    """Return what to expect of each price of quality.

    The quality is at most one standard error above what was seen, so that estimates which mislead
    gain little.
    """
    rows, best = np.arange(len(train)), train.best_single()
    alone = train.scores[:, best]
    spots = []
    for of in (chosen(quality, cost, price) for price in tried):
        seen = train.scores[rows, of] - alone
        estimated = float((quality[rows, of] - quality[:, best]).mean())
        error = float(seen.std() / np.sqrt(len(train)))
        gain = (1 - BELIEVED) * float(seen.mean()) + BELIEVED * estimated
        reached = float(alone.mean()) + min(gain, float(seen.mean()) + error)
        spots.append(_Foreseen(float(train.costs[rows, of].mean()), reached, error))
    return spots


def choose_points(train: Evidence, quality: Floats, cost: Floats) -> dict[str, Operating]:
    """Return for each target the cheapest price of quality that reaches it by the training part.

    What a price reaches is foreseen from scores and estimates, see `BELIEVED`.
    `quality` and `cost` have to be out-of-fold estimates, or the estimates look too good. Prices
    at which a share of the best single model's quality costs more than that model do not count.
    """
    tried = prices(train.costs)
    spots = _foreseen(train, quality, cost, tried)
    best = train.best_single()
    reference = float(train.scores[:, best].mean())
    paid = float(train.costs[:, best].mean())
    highest = max(spot.quality for spot in spots)
    points: dict[str, Operating] = {}
    for name, share in TARGETS.items():
        wanted = max(highest, reference) if share is None else share * reference
        spare = SPARE_ERRORS if share == 1.0 else 0.0
        reaching = [
            (spot.cost, price)
            for spot, price in zip(spots, tried.tolist(), strict=True)
            if spot.quality >= wanted + spare * spot.error and (share is None or spot.cost <= paid)
        ]
        points[name] = Operating(min(reaching)[1] if reaching else None, best)
    return points


@dataclass(frozen=True, slots=True)
class Mix:
    """Two models mixed at random: the zero router, which looks at no text.

    Attributes:
        cheap: A column.
        dear: A column; the same one where no mixing is needed.
        dear_share: The share of calls that go to `dear`.
    """

    cheap: int
    dear: int
    dear_share: float

    def of(self, values: Floats) -> Floats:
        """Return the expected value of each row."""
        return np.asarray(
            (1 - self.dear_share) * values[:, self.cheap] + self.dear_share * values[:, self.dear]
        )


def mix_points(train: Evidence) -> dict[str, Mix]:
    """Return for each target the cheapest mix that reaches it on the training part."""
    spots = single_spots(train)
    reference = float(train.scores[:, train.best_single()].mean())
    highest = max(one.quality for one in spots)
    return {
        name: mix_reaching(spots, highest if share is None else share * reference)
        for name, share in TARGETS.items()
    }


def mix_reaching(spots: list[Spot], wanted: float) -> Mix:
    """Return the cheapest mix of single models with this mean quality, at most the highest."""
    edge = hull(spots)
    at = next(place for place, one in enumerate(edge) if one.quality >= wanted - 1e-12)
    dear = spots.index(edge[at])
    if at == 0:
        return Mix(dear, dear, 1.0)
    below = edge[at - 1]
    part = (wanted - below.quality) / (edge[at].quality - below.quality)
    return Mix(spots.index(below), dear, part)


def single_spots(evidence: Evidence) -> list[Spot]:
    """Return what each single model costs and reaches, by column."""
    means = evidence.costs.mean(axis=0), evidence.scores.mean(axis=0)
    return [Spot(float(cost), float(quality)) for cost, quality in zip(*means, strict=True)]
