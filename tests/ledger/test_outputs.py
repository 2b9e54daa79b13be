"""What expected holds are learned from: never below what was seen, and following what is new."""

from hypothesis import given
from hypothesis import strategies as st

from headgate.ledger.outputs import CALLS_MAX, Outputs

TOKENS = st.integers(0, 200_000)


def learned(outputs: list[int]) -> Outputs:
    """Return what has seen these."""
    made = Outputs()
    for each in outputs:
        made.learn(each)
    return made


@given(st.lists(TOKENS, min_size=1, max_size=200), st.integers(50, 99))
def test_a_quantile_covers_as_many_calls_as_it_says(outputs: list[int], percent: int) -> None:
    """At least so many of a hundred calls took no more, and it is an eighth too high at most."""
    quantile = learned(outputs).quantile(percent)

    assert sum(each <= quantile for each in outputs) * 100 >= percent * len(outputs)
    exact = sorted(outputs)[-(-len(outputs) * percent // 100) - 1]
    assert exact <= quantile <= exact + exact // 8


@given(TOKENS, TOKENS)
def test_what_calls_took_long_ago_is_forgotten(before: int, now: int) -> None:
    """However often something was seen, a few times as much of something else replaces it."""
    made = learned([before] * CALLS_MAX)

    for _ in range(8 * CALLS_MAX):
        made.learn(now)

    assert now <= made.quantile(99) <= now + now // 8
    assert made.calls < CALLS_MAX
