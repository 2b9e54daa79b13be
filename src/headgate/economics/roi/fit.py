"""Fits how long a model stays right, from runs at tasks of known length.

`S(t) = 2^-((t / h50)^k)` by maximum likelihood over a grid that is refined; the interval of h50 is
that of the profile likelihood, widened by how much tasks differ beyond chance (quasi-binomial), for
runs of one task share its difficulty. Floats: probabilities and hours, no money.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, log

from headgate.economics.roi.load_rows import TaskRun

LN2 = log(2.0)
HALF_WIDTH = 1.9207
"""Half of the 95 % quantile of chi-squared with one degree of freedom."""
SHAPES = tuple(0.2 + 0.1 * step for step in range(19))
"""Shapes looked at: 0.2 to 2."""
LENGTHS = 61
BISECTIONS = 25
FAR = 10.0
"""An interval's end is looked for within e to the power of this."""
EDGE = 1e-9


@dataclass(frozen=True, slots=True)
class Cell:
    """The runs of one task.

    Attributes:
        hours: Its length.
        runs: How many.
        successes: How many were right.
    """

    hours: float
    runs: int
    successes: int


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model's survival.

    Attributes:
        half_life: Hours after which half of the runs are still right.
        shape: 1 is a constant hazard, below 1 one that falls.
        low: Lower end of the 95 % interval of the half-life.
        high: Upper end.
        runs: Runs it rests on.
        tasks: Tasks they were at.
        spread: How much more tasks differ than chance would have it, at least 1.
    """

    half_life: float
    shape: float
    low: float
    high: float
    runs: int
    tasks: int
    spread: float


def cells_of(runs: Iterable[TaskRun]) -> list[Cell]:
    """Return runs by task and length."""
    found: dict[tuple[str, float], list[bool]] = {}
    for one in runs:
        found.setdefault((one.task, float(one.hours)), []).append(one.success)
    return [
        Cell(hours, len(results), sum(results)) for (_, hours), results in sorted(found.items())
    ]


def fit(cells: Sequence[Cell]) -> Fitted | None:
    """Return the survival that makes the runs most likely; None when all went the same way."""
    runs, successes = sum(one.runs for one in cells), sum(one.successes for one in cells)
    if not 0 < successes < runs:
        return None
    scale = sum(one.hours for one in cells) / len(cells)
    lengths = [scale * exp(step) for step in _steps(-9.0, 9.0)]
    peak = max(lengths, key=lambda length: _profile(cells, length)[0])
    lengths = [peak * exp(step) for step in _steps(-0.3, 0.3)]
    half_life = max(lengths, key=lambda length: _profile(cells, length)[0])
    best, shape = _profile(cells, half_life)
    near = [shape + 0.01 * step for step in range(-10, 11)]
    shape = max(near, key=lambda one: _likelihood(cells, half_life, one))
    spread = _spread(cells, half_life, shape)
    inside = best - HALF_WIDTH * spread
    low = _edge(cells, half_life, inside, -1)
    high = _edge(cells, half_life, inside, 1)
    return Fitted(half_life, shape, low, high, runs, len(cells), spread)


def survival(hours: float, half_life: float, shape: float) -> float:
    """Return the probability that work is still right, kept away from 0 and 1."""
    return min(1 - EDGE, max(EDGE, exp(-LN2 * (hours / half_life) ** shape)))


def _steps(low: float, high: float) -> list[float]:
    return [low + (high - low) * step / (LENGTHS - 1) for step in range(LENGTHS)]


def _profile(cells: Sequence[Cell], half_life: float) -> tuple[float, float]:
    """Return the highest log likelihood at a half-life, and the shape that gives it."""
    return max((_likelihood(cells, half_life, shape), shape) for shape in SHAPES)


def _likelihood(cells: Sequence[Cell], half_life: float, shape: float) -> float:
    total = 0.0
    for one in cells:
        right = survival(one.hours, half_life, shape)
        total += one.successes * log(right) + (one.runs - one.successes) * log(1 - right)
    return total


def _spread(cells: Sequence[Cell], half_life: float, shape: float) -> float:
    """Return Pearson's chi-squared per degree of freedom, at least 1."""
    total = 0.0
    for one in cells:
        right = survival(one.hours, half_life, shape)
        missed = one.successes - one.runs * right
        total += missed**2 / max(one.runs * right * (1 - right), 1e-6)
    return max(1.0, total / max(1, len(cells) - 2))


def _edge(cells: Sequence[Cell], half_life: float, inside: float, direction: int) -> float:
    """Return where the profile falls to `inside`, going down or up from the half-life."""
    near, far = 0.0, FAR
    for _ in range(BISECTIONS):
        middle = (near + far) / 2
        if _profile(cells, half_life * exp(direction * middle))[0] < inside:
            far = middle
        else:
            near = middle
    return half_life * exp(direction * far)
