"""Buckets: in any span no more is taken than the rate times the span and one bucket."""

from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from headgate.capacity.buckets import GRAINS, NANOS_PER_MINUTE, Bucket

SECOND = NANOS_PER_MINUTE // 60


class Taken(NamedTuple):
    """A take: when it was, its number, what was expected and what it came to."""

    at_ns: int
    number: int
    expected: int
    actual: int


class Step(NamedTuple):
    """Time that goes by, and a call that comes and ends later or not at all."""

    passes_ns: int
    expected: int
    share: int
    ends: int


STEPS = st.lists(
    st.builds(
        Step,
        st.integers(0, 30 * SECOND),
        st.integers(1, 60),
        st.integers(0, 100),
        st.integers(0, 5),
    ),
    min_size=1,
    max_size=40,
)
LIMITS = st.integers(1, 100)


class Caller:
    """Somebody who takes whatever there is, and gives back what was not needed."""

    def __init__(self, limit: int) -> None:
        self.bucket = Bucket(limit)
        self.now_ns = 1_700_000_000 * 10**9
        self.running: list[Taken] = []
        self.ended: list[Taken] = []

    def call(self, step: Step) -> None:
        """Let time go by, take if there is enough, and end so many calls."""
        self.now_ns += step.passes_ns
        if self.bucket.wait_ns(step.expected, self.now_ns) == 0:
            number = self.bucket.take(step.expected, self.now_ns)
            actual = step.expected * step.share // 100
            self.running.append(Taken(self.now_ns, number, step.expected, actual))
        for _ in range(min(step.ends, len(self.running))):
            self.end(self.running.pop(step.passes_ns % len(self.running)))

    def end(self, taken: Taken) -> None:
        """A call has taken what it took."""
        self.bucket.give_back(taken.number, taken.expected - taken.actual, self.now_ns)
        self.ended.append(taken)

    def end_all(self) -> list[Taken]:
        """End what runs; all calls in the order in which they came."""
        while self.running:
            self.end(self.running.pop())
        return sorted(self.ended)


@given(LIMITS, STEPS)
def test_no_span_has_more_than_the_rate_and_one_bucket(limit: int, steps: list[Step]) -> None:
    """Counted at what calls came to, when they began: whatever was given back in between."""
    caller = Caller(limit)
    for step in steps:
        caller.call(step)
    taken = caller.end_all()

    for first in range(len(taken)):
        units = 0
        for each in taken[first:]:
            units += each.actual
            span_ns = each.at_ns - taken[first].at_ns
            assert units * NANOS_PER_MINUTE <= limit * (span_ns + NANOS_PER_MINUTE)


@given(LIMITS, STEPS)
def test_what_is_given_back_is_as_if_it_was_never_taken(limit: int, steps: list[Step]) -> None:
    """To a grain: the bucket lacks what one lacks that had taken the right amounts at once."""
    caller = Caller(limit)
    for step in steps:
        caller.call(step)
    taken = caller.end_all()

    lacks = at_ns = 0
    for each in taken:
        lacks = max(0, lacks - (each.at_ns - at_ns) * limit) + each.actual * NANOS_PER_MINUTE
        at_ns = each.at_ns
    lacks = max(0, lacks - (caller.now_ns - at_ns) * limit)
    slack = len(taken) * (1 + limit / GRAINS)
    found = caller.bucket.lacks(caller.now_ns)
    assert lacks / NANOS_PER_MINUTE <= found <= lacks / NANOS_PER_MINUTE + 1 + slack


@given(LIMITS, st.integers(1, 100), st.integers(0, 100))
def test_a_call_may_be_made_just_when_the_bucket_says(limit: int, units: int, taken: int) -> None:
    """Not a nanosecond sooner; and never, if the bucket does not hold so much."""
    bucket = Bucket(limit)
    bucket.take(taken, 0)

    wait_ns = bucket.wait_ns(units, 0)

    if units > limit:
        assert wait_ns is None
    else:
        assert wait_ns is not None
        if wait_ns:
            assert bucket.wait_ns(units, wait_ns - 1) == 1
        assert bucket.wait_ns(units, wait_ns) == 0


def test_a_full_bucket_gives_a_minutes_worth_at_once_and_then_one_by_one() -> None:
    """Sixty a minute are sixty now and one each second."""
    bucket = Bucket(60)

    burst = [bucket.take(1, 0) for _ in range(60) if bucket.wait_ns(1, 0) == 0]

    assert len(burst) == 60
    assert bucket.left(0) == 0
    assert bucket.wait_ns(1, 0) == SECOND
    assert bucket.full_ns(0) == NANOS_PER_MINUTE
    assert bucket.left(SECOND) == 1


def test_nothing_is_given_back_that_was_refilled() -> None:
    """A bucket that was full since would have had nothing from it."""
    bucket = Bucket(60)
    number = bucket.take(60, 0)
    bucket.take(30, 60 * SECOND)

    assert bucket.give_back(number, 50, 60 * SECOND) == 0
    assert bucket.left(60 * SECOND) == 30


def test_another_limit_forgets_nothing() -> None:
    """What was taken is lacking in the larger bucket, and in the smaller one."""
    bucket = Bucket(100)
    bucket.take(80, 0)

    bucket.change(200, 0)
    assert bucket.left(0) == 120
    bucket.change(50, 0)
    assert bucket.left(0) == 0
    assert bucket.wait_ns(1, 0) == (80 - 49) * NANOS_PER_MINUTE // 50


def test_a_clock_that_is_set_back_stops_nobody() -> None:
    """From then on it is refilled as ever."""
    bucket = Bucket(60)
    bucket.take(60, 3_600 * SECOND)

    assert bucket.left(0) == 0
    assert bucket.left(60 * SECOND) == 60


def test_what_others_took_and_gave_back_counts() -> None:
    """As if it had been taken here."""
    bucket = Bucket(60)

    bucket.hear(50, 0)
    assert bucket.left(0) == 10
    bucket.hear(-20, 0)
    assert bucket.left(0) == 30
    bucket.hear(-100, 0)
    assert bucket.left(0) == 60


def test_what_is_known_elsewhere_is_taken_up_beside_what_is_not_known_there() -> None:
    """Whoever knows of more is believed; what they were not told is added."""
    bucket = Bucket(100)
    bucket.take(30, 0)

    bucket.lack_at_least(50, 10, 0)
    assert bucket.left(0) == 40
    bucket.lack_at_least(20, 10, 0)
    assert bucket.left(0) == 40
