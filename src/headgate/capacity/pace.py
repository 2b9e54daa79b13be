"""How fast a deployment has answered lately, and how often it failed; pure, in whole numbers.

Means in which what was seen counts half as much after each half-life. What has faded to less than
an eighth of one observation says nothing any more.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

HALF_LIFE_NS: Final = 60_000_000_000
FAILURES_HALF_LIFE_NS: Final = 300_000_000_000
"""Failures are rarer than answers, so they are remembered for longer."""

ONE: Final = 1 << 32
"""The weight of an observation that was just made."""
FADED: Final = ONE >> 3
HALVINGS_MAX: Final = 64
MILLION: Final = 1_000_000

TTFT, RATE, FAILED = "ttft", "rate", "failed"
PARTS: Final = {TTFT: HALF_LIFE_NS, RATE: HALF_LIFE_NS, FAILED: FAILURES_HALF_LIFE_NS}
"""What a pace is made of, and how fast each part fades."""

Tell = Callable[[str, int, int, int, int], None]


class Faded(NamedTuple):
    """What a `Fading` knows.

    Attributes:
        at_ns: The instant that the rest is as of.
        above: The sum of the numerators, each in parts of `ONE`.
        below: The sum of the denominators, likewise.
        weight: How many observations that is, likewise.
    """

    at_ns: int
    above: int
    below: int
    weight: int


class Fading:
    """A mean, or a ratio of two sums, of what was seen lately.

    Attributes:
        half_life_ns: After so long an observation counts half.
    """

    __slots__ = ("_above", "_at_ns", "_below", "_weight", "half_life_ns")

    def __init__(self, half_life_ns: int = HALF_LIFE_NS) -> None:
        self.half_life_ns = half_life_ns
        self._at_ns = self._above = self._below = self._weight = 0

    def add(self, above: int, below: int, at_ns: int) -> None:
        """Add an observation: a numerator and a denominator, such as a value and 1."""
        self._fade(at_ns)
        self._above += above * ONE
        self._below += below * ONE
        self._weight += ONE

    def absorb(self, faded: Faded) -> None:
        """Add what was seen elsewhere; in whatever order, up to what is rounded."""
        other = self._meet(faded)
        self._above += other._above
        self._below += other._below
        self._weight += other._weight

    def join(self, faded: Faded) -> None:
        """Take over what was seen of the same thing, if it is of more; once is enough."""
        other = self._meet(faded)
        if other._weight > self._weight:
            self._set(other.faded())

    def _meet(self, faded: Faded) -> "Fading":
        """Return what was seen elsewhere, both as of the later of two instants."""
        other = Fading(self.half_life_ns)
        other._set(faded)
        other._fade(self._at_ns)
        self._fade(faded.at_ns)
        return other

    def faded(self) -> Faded:
        """Return what is known, as of the latest instant that was heard of."""
        return Faded(self._at_ns, self._above, self._below, self._weight)

    def _set(self, faded: Faded) -> None:
        self._at_ns, self._above = faded.at_ns, faded.above
        self._below, self._weight = faded.below, faded.weight

    def ratio(self, at_ns: int) -> int | None:
        """Return the ratio at an instant, rounded down; None when nothing was seen lately."""
        if not self._below:
            return None
        self._fade(at_ns)
        if self._weight < FADED or not self._below:
            return None
        return self._above // self._below

    def total(self, at_ns: int) -> int:
        """Return the sum of the numerators, each as far as it has not faded."""
        self._fade(at_ns)
        return self._above // ONE

    def _fade(self, at_ns: int) -> None:
        passed_ns = at_ns - self._at_ns
        if passed_ns <= 0:
            return
        self._at_ns = at_ns
        halvings, rest_ns = divmod(passed_ns, self.half_life_ns)
        halvings = min(halvings, HALVINGS_MAX)
        # Between two halvings it falls along a line: close enough to the curve, and exact in ints.
        left, whole = 2 * self.half_life_ns - rest_ns, 2 * self.half_life_ns
        self._above = (self._above >> halvings) * left // whole
        self._below = (self._below >> halvings) * left // whole
        self._weight = (self._weight >> halvings) * left // whole


def _nobody(_part: str, _half_life_ns: int, _above: int, _below: int, _at_ns: int) -> None:
    """Tell nobody."""


class Pace:
    """What was measured of one deployment lately.

    Args:
        tell: Is told of each observation: of which part, how fast it fades, and what `Fading.add`
            is.
    """

    __slots__ = ("_parts", "_tell")

    def __init__(self, tell: Tell = _nobody) -> None:
        self._tell = tell
        self._parts = {part: Fading(life) for part, life in PARTS.items()}

    def _add(self, part: str, above: int, below: int, at_ns: int) -> None:
        self._parts[part].add(above, below, at_ns)
        self._tell(part, PARTS[part], above, below, at_ns)

    def hear(self, part: str, faded: Faded, *, whole: bool) -> None:
        """Take what was measured elsewhere; `whole`: it is all of it, else it is what is new."""
        if whole:
            self._parts[part].join(faded)
        else:
            self._parts[part].absorb(faded)

    def first_byte(self, ttft_us: int, at_ns: int) -> None:
        """A streamed reply has begun after so many microseconds."""
        self._add(TTFT, ttft_us, 1_000, at_ns)

    def written(self, output_tokens: int, during_us: int, at_ns: int) -> None:
        """So many tokens have come in so many microseconds; without tokens nothing is learned."""
        if output_tokens > 0 and during_us > 0:
            self._add(RATE, output_tokens * 1_000 * MILLION, during_us, at_ns)

    def tried(self, at_ns: int, *, failed: bool) -> None:
        """An attempt has ended, and failed for a reason that lies with the deployment, or not."""
        self._add(FAILED, MILLION if failed else 0, 1, at_ns)

    def ttft_ms(self, now_ns: int) -> int | None:
        """Return the time to the first byte of a stream, None when none was seen lately."""
        return self._parts[TTFT].ratio(now_ns)

    def tokens_per_s_milli(self, now_ns: int) -> int | None:
        """Return thousandths of tokens a second, None when none came lately."""
        return self._parts[RATE].ratio(now_ns)

    def failed_ppm(self, now_ns: int) -> int:
        """Return the share of attempts that failed, in millionths; 0 without any."""
        return self._parts[FAILED].ratio(now_ns) or 0
