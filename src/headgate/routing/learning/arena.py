"""The arena: which models are preferred, from choices between two, with intervals.

Bradley and Terry (Biometrika 39, 1952): a model of strength s wins against one of t with chance
s / (s + t). Strengths are found by Hunter's MM steps (Annals of Statistics 32, 2004), with a weak
prior so that a model which never lost is not endlessly strong; intervals come from the curvature
of the likelihood.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from headgate.routing.quality.sparse import Floats

PRIOR_GAMES = 1.0
"""Every model has half won and half lost so many games against one of the middle strength."""

MIDDLE = 1_000.0
POINTS_PER_TENFOLD = 400.0
"""As chess has it: 400 points more are odds of ten to one."""

ROUNDS_MAX = 10_000
CHANGE_MIN = 1e-10
INTERVAL_SDS = 1.96


class Rating(NamedTuple):
    """How a model does against the others.

    Attributes:
        rating: In points; 1,000 is the middle.
        low: The lower end of an approximate 95 % interval of `rating`.
        high: Its upper end.
        games: Choices that it was part of.
        wins: Those in which it was preferred.
    """

    model: str
    rating: float
    low: float
    high: float
    games: int
    wins: int


def ratings(duels: Sequence[tuple[str, str]]) -> list[Rating]:
    """Return the rating of every model that was part of a choice, the strongest first.

    Args:
        duels: The preferred model and the other one, of each choice.
    """
    models = sorted({model for duel in duels for model in duel})
    place = {model: number for number, model in enumerate(models)}
    won = np.zeros((len(models), len(models)))
    for winner, loser in duels:
        won[place[winner], place[loser]] += 1
    strengths = _strengths(won)
    spread = _spread(won, strengths)
    points = POINTS_PER_TENFOLD / np.log(10)
    centred = np.log(strengths) * points + MIDDLE
    reach = INTERVAL_SDS * points * spread
    games, wins = won.sum(axis=0) + won.sum(axis=1), won.sum(axis=1)
    found = [
        Rating(
            model,
            rating=float(centred[number]),
            low=float(centred[number] - reach[number]),
            high=float(centred[number] + reach[number]),
            games=int(games[number]),
            wins=int(wins[number]),
        )
        for model, number in place.items()
    ]
    return sorted(found, key=lambda each: (-each.rating, each.model))


def _strengths(won: Floats) -> Floats:
    """Return strengths; the imaginary opponent of the prior has 1."""
    games, wins = won + won.T, won.sum(axis=1) + PRIOR_GAMES / 2
    strengths = np.ones(len(won))
    for _ in range(ROUNDS_MAX):
        sums = strengths[:, None] + strengths[None, :]
        weight = (games / sums).sum(axis=1) + PRIOR_GAMES / (strengths + 1)
        new = np.asarray(wins / weight, np.float64)
        if np.abs(np.log(new / strengths)).max(initial=0.0) < CHANGE_MIN:
            return new
        strengths = new
    return strengths


def _spread(won: Floats, strengths: Floats) -> Floats:
    """Return the standard errors of the logarithms of strengths."""
    chance = strengths[:, None] / (strengths[:, None] + strengths[None, :])
    information = -(won + won.T) * chance * (1 - chance)
    alone = strengths / (strengths + 1)
    np.fill_diagonal(information, 0.0)
    np.fill_diagonal(information, -information.sum(axis=1) + PRIOR_GAMES * alone * (1 - alone))
    return np.asarray(np.sqrt(np.diag(np.linalg.inv(information))))
