"""How fast a deployment is, by what was seen lately."""

from hypothesis import given
from hypothesis import strategies as st

from headgate.capacity.pace import FAILURES_HALF_LIFE_NS, HALF_LIFE_NS, Faded, Fading, Pace

MINUTE = HALF_LIFE_NS


def test_what_was_seen_fades_and_is_forgotten() -> None:
    """A minute halves what an observation counts; after three of them one alone says nothing."""
    pace = Pace()
    pace.first_byte(400_000, 0)
    pace.first_byte(100_000, MINUTE)

    assert pace.ttft_ms(MINUTE) == 200
    assert pace.ttft_ms(3 * MINUTE) == 200
    assert pace.ttft_ms(5 * MINUTE) is None


def test_of_what_two_saw_the_fuller_is_taken_over_as_of_the_same_instant() -> None:
    """Ten observations of long ago are less than three of now."""
    old, new = Fading(), Fading()
    for _ in range(10):
        old.add(100, 1, 0)
    for _ in range(3):
        new.add(200, 1, 3 * MINUTE)
    before = new.faded()

    old.join(before)
    new.join(Faded(0, *old.faded()[1:]))

    assert old.ratio(3 * MINUTE) == new.ratio(3 * MINUTE) == 200
    assert new.faded() == before


def test_rate_and_failures_are_ratios_of_sums() -> None:
    """Long answers say more of the rate than short ones, and one failure in four is a quarter."""
    pace = Pace()
    pace.written(100, 1_000_000, 0)
    pace.written(900, 3_000_000, 0)
    for failed in (True, False, False, False):
        pace.tried(0, failed=failed)

    assert pace.tokens_per_s_milli(0) == 250_000
    assert pace.failed_ppm(0) == 250_000
    assert pace.failed_ppm(FAILURES_HALF_LIFE_NS) == 250_000
    assert Pace().tokens_per_s_milli(0) is None


@given(
    seen=st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**11)), min_size=1, max_size=30)
)
def test_a_mean_lies_among_what_was_seen(seen: list[tuple[int, int]]) -> None:
    """Whatever the times are, also when the clock stands still."""
    fading, at_ns = Fading(), 1
    for value, passed_ns in seen:
        at_ns += passed_ns
        fading.add(value, 1, at_ns)

    mean = fading.ratio(at_ns)

    assert mean is not None
    values = [value for value, _ in seen]
    # It is rounded down, at most by a millionth.
    assert min(values) * 999_999 // 1_000_000 - 1 <= mean <= max(values)
