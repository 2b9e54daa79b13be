"""Intervals of a rate from counts: quantiles of the Beta distribution.

Floats: these are probabilities, and no money. Source of the continued fraction: Abramowitz and
Stegun, 26.5.8, evaluated by Lentz's method; of the prior, Jeffreys: Beta(1/2, 1/2).
"""

from math import exp, lgamma, log

BISECTIONS = 60
TERMS_MAX = 500
TINY = 1e-300
CLOSE = 1e-14


def interval(successes: int, failures: int, coverage: float) -> tuple[float, float]:
    """Return the central interval of a success rate, after these counts.

    With no success its lower end is near 0, and with no failure its upper end near 1.
    """
    a, b = successes + 0.5, failures + 0.5
    tail = (1 - coverage) / 2
    return quantile(tail, a, b), quantile(1 - tail, a, b)


def quantile(probability: float, a: float, b: float) -> float:
    """Return the value below which Beta(a, b) lies with a probability."""
    low, high = 0.0, 1.0
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        if cumulative(middle, a, b) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def cumulative(x: float, a: float, b: float) -> float:
    """Return the probability that Beta(a, b) lies below x."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - cumulative(1 - x, b, a)
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log(1 - x))
    return front * _continued_fraction(x, a, b) / a


def _continued_fraction(x: float, a: float, b: float) -> float:
    c, d = 1.0, 1 / (1 - (a + b) * x / (a + 1) or TINY)
    result = d
    for m in range(1, TERMS_MAX):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / (1 + term * d or TINY)
            c = 1 + term / c or TINY
            result *= c * d
        if abs(c * d - 1) < CLOSE:
            break
    return result
