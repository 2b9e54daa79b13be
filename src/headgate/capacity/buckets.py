"""How much a minute somebody may take: a bucket that is refilled all the time; pure.

A bucket holds what may be taken in a minute and is refilled at that rate, so whoever has waited may
take a minute's worth at once, and in any span nobody takes more than the rate times the span and
one bucket (the generic cell rate algorithm, ITU-T I.371, with a minute of tolerance).

What will be taken is not always known when it is taken: a call is counted at what it is expected to
take, and corrected when that is known. What is given back of it is what would be there by now had
it never been taken: all of it, or as little as the bucket has lacked at any time since. For a
bucket that was full in between has lost nothing by it, and has nothing to get back.

All in integers: a unit is `NANOS_PER_MINUTE` parts, of which as many are refilled in a nanosecond
as there are units a minute.
"""

from bisect import bisect_left
from typing import Final

NANOS_PER_MINUTE: Final = 60_000_000_000
GRAINS: Final = 64
"""How little a bucket has lacked is remembered to this part of what it holds, rounded down."""
LOWS_MAX: Final = 2 * GRAINS
"""So many lows are remembered at most, of a bucket that lacks more than it holds."""


class Lows:
    """How little a bucket has lacked since each of the takes that can still be corrected.

    What was noted and is followed by something lower matters no more, so that lows rise with the
    numbers of the takes they were noted after.
    """

    __slots__ = ("_grain", "_lows", "_numbers")

    def __init__(self, grain: int) -> None:
        self._grain = grain
        self._numbers: list[int] = []
        self._lows: list[int] = []

    def note(self, number: int, lacks: int) -> None:
        """Note what the bucket lacks, before anything else is taken behind take `number`."""
        numbers, lows = self._numbers, self._lows
        while lows and lows[-1] >= lacks:
            numbers.pop()
            lows.pop()
        if not lows or (lacks - lows[-1] >= self._grain and len(lows) < LOWS_MAX):
            numbers.append(number)
            lows.append(lacks)
        else:
            # Lower than it was: too little is given back, rather than too much.
            numbers[-1] = number

    def since(self, number: int) -> int:
        """Return the least that was noted behind a take; something was."""
        return self._lows[bisect_left(self._numbers, number)]

    def lower(self, number: int, by: int) -> None:
        """Take what was given back of a take out of all that was noted behind it."""
        numbers, lows = self._numbers, self._lows
        at = bisect_left(numbers, number)
        lows[at:] = [max(0, low - by) for low in lows[at:]]
        while 0 < at < len(lows) and lows[at - 1] >= lows[at]:
            at -= 1
            del numbers[at], lows[at]


class Bucket:
    """What may be taken, and what was.

    Attributes:
        limit: Units a minute, and so many at once; at least 1.
    """

    __slots__ = ("_at_ns", "_lacks", "_lows", "_number", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._lacks = self._at_ns = self._number = 0
        self._lows = Lows(limit * NANOS_PER_MINUTE // GRAINS)

    def _refill(self, now_ns: int) -> None:
        # A clock that is set back refills nothing for a moment, and never stops anybody for long.
        elapsed_ns, self._at_ns = now_ns - self._at_ns, now_ns
        if elapsed_ns > 0:
            self._lacks = max(0, self._lacks - elapsed_ns * self.limit)

    def change(self, limit: int, now_ns: int) -> None:
        """Go by another limit from now on; what was taken stays taken."""
        self._refill(now_ns)
        self.limit = limit

    def wait_ns(self, units: int, now_ns: int) -> int | None:
        """Return after how long so many units can be taken: 0 for now, None for never."""
        if units > self.limit:
            return None
        self._refill(now_ns)
        over = self._lacks + (units - self.limit) * NANOS_PER_MINUTE
        return -(-over // self.limit) if over > 0 and units else 0

    def take(self, units: int, now_ns: int) -> int:
        """Take units, whether they are there or not; what is lacking then has to be refilled first.

        Returns:
            The number of this take, by which some of it can be given back.
        """
        self._refill(now_ns)
        # It lacks least just before something is taken.
        self._lows.note(self._number, self._lacks)
        self._lacks += units * NANOS_PER_MINUTE
        self._number += 1
        return self._number

    def give_back(self, number: int, units: int, now_ns: int) -> int:
        """Give back units of a take that were not needed.

        Returns:
            How many that are: as many as would be there by now, had they never been taken.
        """
        self._refill(now_ns)
        self._lows.note(self._number, self._lacks)
        given = min(units, self._lows.since(number) // NANOS_PER_MINUTE)
        self._refund(number, given * NANOS_PER_MINUTE)
        return given

    def hear(self, units: int, now_ns: int) -> None:
        """Count what was taken elsewhere; below 0 for what was given back there."""
        if units >= 0:
            self.take(units, now_ns)
        else:
            self._refill(now_ns)
            self._refund(0, min(self._lacks, -units * NANOS_PER_MINUTE))

    def _refund(self, number: int, parts: int) -> None:
        self._lacks -= parts
        self._lows.lower(number, parts)

    def lacks(self, now_ns: int) -> int:
        """Return how many units it lacks to be full, rounded up; perhaps more than it holds."""
        self._refill(now_ns)
        return -(-self._lacks // NANOS_PER_MINUTE)

    def left(self, now_ns: int) -> int:
        """Return how many units could be taken now."""
        self._refill(now_ns)
        return self.left_then

    @property
    def left_then(self) -> int:
        """How many units could be taken when it was last looked at."""
        return max(0, self.limit - -(-self._lacks // NANOS_PER_MINUTE))

    def full_ns(self, now_ns: int) -> int:
        """Return after how long it is full again, if nothing more is taken."""
        self._refill(now_ns)
        return -(-self._lacks // self.limit)

    def lack_at_least(self, units: int, beside: int, now_ns: int) -> None:
        """Take up what is known elsewhere: it lacks so many units, and those `beside`.

        Args:
            units: What is lacking as they know it there.
            beside: Units that were taken here, which they do not know of; perhaps below 0.
            now_ns: The present.
        """
        self._refill(now_ns)
        least = max(0, (units + beside) * NANOS_PER_MINUTE)
        if least > self._lacks:
            self._lacks = least
