"""The chance of a simulation, all of it, drawn at once from a seed.

Every architecture and every variation meets the same draws (common random numbers), so that a
difference between two of them is theirs and not luck's. The second half of the paths is the mirror
of the first (antithetic), which makes means several times more exact for the same work.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CHANCES = (
    *("demand", "market", "follow", "up", "down", "size", "cache"),
    *("ration", "ration_end", "outage", "retired", "vendor"),
)


@dataclass(frozen=True, slots=True)
class Draws:
    """Standard normal numbers, one per path and month.

    Attributes:
        common: The month's luck, which correlated shocks share.
        own: Name of a chance to its own numbers.
    """

    common: Floats
    own: dict[str, Floats]

    def of(self, name: str, correlation: float) -> Floats:
        """Return a chance's numbers, of which a share comes from the month's luck.

        The correlation of two such chances within a month is `correlation`: a Gaussian copula
        with one factor. Low numbers are bad luck.
        """
        shared: Floats = np.sqrt(correlation) * self.common
        mixed: Floats = shared + np.sqrt(1 - correlation) * self.own[name]
        return mixed


def draw(seed: int, paths: int, months: int) -> Draws:
    """Draw; the same arguments give the same bits with the same release of NumPy."""
    source = generator(seed)
    common = mirrored(source, paths, months)
    return Draws(common, {name: mirrored(source, paths, months) for name in CHANCES})


def generator(seed: int) -> np.random.Generator:
    """Return what all chance of a simulation is drawn from."""
    return np.random.Generator(np.random.PCG64(seed))


def mirrored(source: np.random.Generator, paths: int, columns: int) -> Floats:
    """Return standard normal numbers, a row per path; the second half mirrors the first."""
    half = source.standard_normal(((paths + 1) // 2, columns))
    both: Floats = np.concatenate([half, -half])
    return both[:paths]
