"""How much output calls of one kind took: what an expected hold is sized by; pure, integers.

A histogram of which the older half counts half as much each time it is full, so that it follows
what calls do now. Two numbers of tokens share a bucket when they differ by less than an eighth;
a bucket counts as its largest.
"""

CALLS_MAX = 1_024
"""So many calls are counted before what was seen so far is halved."""

_FINE_BITS = 4


class Outputs:
    """The output tokens of the calls of one kind.

    Attributes:
        calls: How many count, those that were seen long ago for less.
        hidden: Whether one of them was billed for more than was seen of it in time.
    """

    __slots__ = ("_buckets", "calls", "hidden")

    def __init__(self) -> None:
        self.calls = 0
        self.hidden = False
        self._buckets: dict[int, int] = {}

    def learn(self, output_tokens: int) -> None:
        """Count a call."""
        bucket = _bucket(output_tokens)
        self._buckets[bucket] = self._buckets.get(bucket, 0) + 1
        self.calls += 1
        if self.calls >= CALLS_MAX:
            halved = {each: count // 2 for each, count in self._buckets.items()}
            self._buckets = {each: count for each, count in halved.items() if count}
            self.calls = sum(self._buckets.values())

    def quantile(self, percent: int) -> int:
        """Return a number of tokens that at least so many of a hundred calls did not exceed."""
        left = -(-self.calls * percent // 100)
        for bucket in sorted(self._buckets):
            left -= self._buckets[bucket]
            if left <= 0:
                return bucket
        return 0


def _bucket(tokens: int) -> int:
    """Return the largest number that shares a bucket with this one."""
    width = max(0, tokens.bit_length() - _FINE_BITS)
    return ((tokens >> width) + 1 << width) - 1
