"""Task clusters: directions in which texts differ most, and centres among them.

Nobody names the clusters; they are found in the training texts alone, without looking at scores.
"""

from dataclasses import dataclass

import numpy as np

from headgate.routing.quality.sparse import Floats, Singles, Sparse

DIRECTIONS_MAX = 128
SPARE_DIRECTIONS = 16
POWER_STEPS = 2
ROUNDS = 25
TEXTS_PER_CENTRE = 60
CENTRES_MIN = 4
CENTRES_MAX = 64
SHARPNESS = 14.0
"""How sharply a text belongs to its nearest centres: shares fall by e per 1/14 of cosine."""


@dataclass(frozen=True, slots=True)
class Topics:
    """Centres of task clusters on the unit sphere.

    Attributes:
        directions: Features by directions.
        centres: Clusters by directions, each of unit length.
    """

    directions: Singles
    centres: Singles

    def shares(self, places: Singles) -> Floats:
        """Return how much each text belongs to each cluster; the shares of a text sum to 1."""
        return softmax(SHARPNESS * (_unit(places) @ self.centres.T).astype(np.float64))


def fit(rows: Sparse, seed: int, directions_max: int = DIRECTIONS_MAX) -> Topics:
    """Find directions and centres; the same rows and seed give the same ones."""
    chance = np.random.default_rng(seed)
    directions = _directions(rows, chance, directions_max)
    places = _unit(rows.times(directions))
    wanted = int(np.clip(len(rows) // TEXTS_PER_CENTRE, CENTRES_MIN, CENTRES_MAX))
    centres = _centres(places, min(wanted, len(rows)), chance)
    return Topics(directions, centres)


def _directions(rows: Sparse, chance: np.random.Generator, most: int) -> Singles:
    """Return the leading right singular vectors, by randomised subspace iteration.

    Halko, Martinsson and Tropp, SIAM Review 53 (2011), algorithm 4.4.
    """
    across = rows.transposed()
    wanted = min(most, len(rows), rows.width)
    guess = chance.standard_normal((rows.width, min(wanted + SPARE_DIRECTIONS, rows.width)))
    basis = guess.astype(np.float32)
    for _ in range(POWER_STEPS):
        basis, _ = np.linalg.qr(across.times(rows.times(basis)))
    small = rows.times(basis)
    _, turn = np.linalg.eigh((small.T @ small).astype(np.float64))
    return np.asarray(basis @ turn[:, ::-1][:, :wanted], np.float32)


def _centres(places: Singles, wanted: int, chance: np.random.Generator) -> Singles:
    """Return centres by spherical k-means; one that nobody is near moves to a text."""
    centres = places[chance.choice(len(places), wanted, replace=False)].copy()
    for _ in range(ROUNDS):
        nearest = np.argmax(places @ centres.T, axis=1)
        belongs = nearest == np.arange(wanted)[:, None]
        sums = belongs.astype(np.float32) @ places
        empty = ~belongs.any(axis=1)
        sums[empty] = places[chance.integers(len(places), size=int(empty.sum()))]
        centres = _unit(sums)
    return centres


def _unit(rows: Singles) -> Singles:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, np.float32(1e-9)), np.float32)


def softmax(scores: Floats) -> Floats:
    """Return rows of shares that sum to 1, in proportion to e to the power of the scores."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
