"""The retry budget: how many further attempts calls may make."""

from hypothesis import given
from hypothesis import strategies as st

from headgate.capacity.retries import RetryBudget


@given(
    percent=st.integers(0, 200),
    burst=st.integers(0, 20),
    wishes=st.lists(st.booleans(), max_size=300),
)
def test_retries_stay_a_fraction_of_the_calls(percent: int, burst: int, wishes: list[bool]) -> None:
    """In any order of calls and wishes, no more is spent than was saved up and earned."""
    budget = RetryBudget(percent, burst)
    calls = spent = denied = 0
    for wish in wishes:
        if wish:
            granted = budget.spend()
            spent += granted
            denied += not granted
        else:
            calls += 1
            budget.earn()

    assert 100 * spent <= 100 * burst + percent * calls
    assert budget.denied == denied


def test_what_is_saved_up_is_bounded() -> None:
    """A quiet day does not pay for a storm."""
    budget = RetryBudget(percent=50, burst=2)
    for _ in range(1_000):
        budget.earn()

    assert [budget.spend() for _ in range(3)] == [True, True, False]
    budget.earn()
    budget.earn()
    assert [budget.spend() for _ in range(2)] == [True, False]
