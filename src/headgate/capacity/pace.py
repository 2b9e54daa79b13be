"""How fast a deployment has answered lately, and how often it failed; pure, in whole numbers.

Means in which what was seen counts half as much after each half-life. What has faded to less than
an eighth of one observation says nothing any more.
"""

HALF_LIFE_NS = 60_000_000_000
FAILURES_HALF_LIFE_NS = 300_000_000_000
"""Failures are rarer than answers, so they are remembered for longer."""

ONE = 1 << 32
"""The weight of an observation that was just made."""
FADED = ONE >> 3
HALVINGS_MAX = 64
MILLION = 1_000_000


class Fading:
    """A mean, or a ratio of two sums, of what was seen lately."""

    __slots__ = ("_above", "_at_ns", "_below", "_half_life_ns", "_weight")

    def __init__(self, half_life_ns: int = HALF_LIFE_NS) -> None:
        self._half_life_ns = half_life_ns
        self._at_ns = self._above = self._below = self._weight = 0

    def add(self, above: int, below: int, at_ns: int) -> None:
        """Add an observation: a numerator and a denominator, such as a value and 1."""
        self._fade(at_ns)
        self._above += above * ONE
        self._below += below * ONE
        self._weight += ONE

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
        halvings, rest_ns = divmod(passed_ns, self._half_life_ns)
        halvings = min(halvings, HALVINGS_MAX)
        # Between two halvings it falls along a line: close enough to the curve, and exact in ints.
        left, whole = 2 * self._half_life_ns - rest_ns, 2 * self._half_life_ns
        self._above = (self._above >> halvings) * left // whole
        self._below = (self._below >> halvings) * left // whole
        self._weight = (self._weight >> halvings) * left // whole


class Pace:
    """What was measured of one deployment lately."""

    __slots__ = ("_failed", "_rate", "_ttft")

    def __init__(self) -> None:
        self._ttft = Fading()
        self._rate = Fading()
        self._failed = Fading(FAILURES_HALF_LIFE_NS)

    def first_byte(self, ttft_us: int, at_ns: int) -> None:
        """A streamed reply has begun after so many microseconds."""
        self._ttft.add(ttft_us, 1_000, at_ns)

    def written(self, output_tokens: int, during_us: int, at_ns: int) -> None:
        """So many tokens have come in so many microseconds; without tokens nothing is learned."""
        if output_tokens > 0 and during_us > 0:
            self._rate.add(output_tokens * 1_000 * MILLION, during_us, at_ns)

    def tried(self, at_ns: int, *, failed: bool) -> None:
        """An attempt has ended, and failed for a reason that lies with the deployment, or not."""
        self._failed.add(MILLION if failed else 0, 1, at_ns)

    def ttft_ms(self, now_ns: int) -> int | None:
        """Return the time to the first byte of a stream, None when none was seen lately."""
        return self._ttft.ratio(now_ns)

    def tokens_per_s_milli(self, now_ns: int) -> int | None:
        """Return thousandths of tokens a second, None when none came lately."""
        return self._rate.ratio(now_ns)

    def failed_ppm(self, now_ns: int) -> int:
        """Return the share of attempts that failed, in millionths; 0 without any."""
        return self._failed.ratio(now_ns) or 0
