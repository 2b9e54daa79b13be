"""How much output calls of one kind took: what an expected hold is sized by; pure, integers.

A histogram of which the older half counts half as much each time it is full, so that it follows
what calls do now. Two numbers of tokens share a bucket when they differ by less than an eighth;
a bucket counts as its largest.
"""

from headgate.units.counts import Counts

CALLS_MAX = 1_024
"""So many calls are counted before what was seen so far is halved."""

_FINE_BITS = 4


class Outputs(Counts):
    """The output tokens of the calls of one kind, by bucket.

    Attributes:
        hidden: Whether one of them was billed for more than was seen of it in time.
    """

    __slots__ = ("hidden",)

    def __init__(self) -> None:
        super().__init__(CALLS_MAX)
        self.hidden = False

    @property
    def calls(self) -> int:
        """How many count, those that were seen long ago for less."""
        return self.n

    def learn(self, output_tokens: int) -> int:
        """Count a call; returns its bucket."""
        bucket = _bucket(output_tokens)
        self.add({bucket: 1})
        return bucket

    def quantile(self, percent: int) -> int:
        """Return a number of tokens that at least so many of a hundred calls did not exceed."""
        left = -(-self.n * percent // 100)
        for bucket in sorted(self.numbers):
            left -= self.numbers[bucket]
            if left <= 0:
                return bucket
        return 0


def _bucket(tokens: int) -> int:
    """Return the largest number that shares a bucket with this one."""
    width = max(0, tokens.bit_length() - _FINE_BITS)
    return ((tokens >> width) + 1 << width) - 1
