"""How many wrong tokens are looked at, of one and of all."""

import pytest

from headgate.console.throttle import BUCKETS_MAX, PACE_S, WRONG_MAX, Throttle
from headgate.units.instants import NANOS_PER_SECOND

PACE_NS = PACE_S * NANOS_PER_SECOND
WHO = "192.0.2.7"


@pytest.fixture
def throttle() -> Throttle:
    """Nobody has shown anything yet."""
    return Throttle(b"a key")


def _guess(throttle: Throttle, now_ns: int, who: str = WHO, count: int = WRONG_MAX) -> int:
    """Show wrong tokens, all different, as long as they are looked at; returns how many were."""
    looked_at = 0
    while looked_at < count and throttle.wait_s(who, now_ns) == 0:
        throttle.count(who, f"{now_ns}-{looked_at}", now_ns)
        looked_at += 1
    return looked_at


def test_a_few_at_once_then_one_each_half_minute(throttle: Throttle, now_ns: int) -> None:
    """Who waits is told for how long, in whole seconds that are never too few."""
    assert _guess(throttle, now_ns, count=100) == WRONG_MAX

    assert throttle.wait_s(WHO, now_ns) == PACE_S
    assert throttle.wait_s(WHO, now_ns + PACE_NS - 1) == 1
    assert _guess(throttle, now_ns + PACE_NS, count=100) == 1
    assert throttle.wait_s(WHO, now_ns + PACE_NS) == PACE_S


def test_all_is_forgiven_after_a_while(throttle: Throttle, now_ns: int) -> None:
    """Who stops may be wrong as often as at first."""
    _guess(throttle, now_ns)

    assert _guess(throttle, now_ns + WRONG_MAX * PACE_NS, count=100) == WRONG_MAX


def test_the_same_wrong_token_is_counted_once(throttle: Throttle, now_ns: int) -> None:
    """A program that goes on showing an outdated one does not keep its neighbours out."""
    for _ in range(100):
        assert not throttle.count(WHO, "outdated", now_ns)

    assert _guess(throttle, now_ns, count=100) == WRONG_MAX - 1


def test_that_somebody_guesses_is_told_once(throttle: Throttle, now_ns: int) -> None:
    """Until all was forgiven, and it begins anew."""
    told = [
        throttle.count(WHO, str(number), now_ns + place * PACE_NS)
        for place, number in ((0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (1, 6), (2, 7))
    ]
    later_ns = now_ns + 20 * PACE_NS
    anew = [throttle.count(WHO, str(number), later_ns) for number in range(WRONG_MAX)]

    assert told == [False] * 4 + [True] + [False] * 2
    assert anew == [False] * 4 + [True]


def test_a_clock_that_was_put_back_keeps_nobody_out(throttle: Throttle, now_ns: int) -> None:
    """Nobody waits for longer than for the next wrong token."""
    _guess(throttle, now_ns)

    assert throttle.wait_s(WHO, now_ns - 24 * 3600 * NANOS_PER_SECOND) == PACE_S


def test_many_addresses_guess_no_more_than_the_buckets_hold(
    throttle: Throttle, now_ns: int
) -> None:
    """However many there are, what is kept of them and what they get to guess has an end."""
    looked_at = sum(_guess(throttle, now_ns, who=f"10.0.{n >> 8}.{n & 255}") for n in range(20_000))

    assert looked_at == WRONG_MAX * BUCKETS_MAX


def test_one_who_guesses_keeps_few_others_out(throttle: Throttle, now_ns: int) -> None:
    """Of a thousand others, a handful at most share the bucket."""
    _guess(throttle, now_ns)

    others = [f"10.0.{n >> 8}.{n & 255}" for n in range(1_000)]
    assert sum(throttle.wait_s(other, now_ns) > 0 for other in others) < 10
