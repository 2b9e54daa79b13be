"""What a run did, counted at several workers: the sums of all, in whatever order they are heard."""

from collections.abc import Sequence
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.gateway.learning.run_counts import MINUTE_NS, WORKERS_MAX, Count


class Told(NamedTuple):
    """What one worker tells: its sums as of an instant; or, without a worker, that it is anew."""

    worker: str
    at_ns: int


words = st.builds(Told, st.sampled_from(["a", "b", ""]), st.integers(1, 6))
in_two_orders = st.lists(words, max_size=8).flatmap(
    lambda made: st.tuples(st.just(made), st.permutations(made))
)


def heard(told: Sequence[Told]) -> Count:
    """Return what a worker knows that heard these."""
    count = Count()
    for each in told:
        if each.worker:
            count.hear(each.worker, each.at_ns, (each.at_ns * 10, 0, 0, 0, 0))
        else:
            count.hear_anew(each.at_ns)
    return count


@settings(max_examples=50)
@given(in_two_orders)
def test_each_workers_last_word_counts_once(orders: tuple[list[Told], Sequence[Told]]) -> None:
    """However often and in whatever order it comes; what was before it began anew does not."""
    told, otherwise = orders
    anew_ns = max((each.at_ns for each in told if not each.worker), default=0)
    last = {
        name: max((each.at_ns for each in told if each.worker == name), default=0)
        for name in ("a", "b")
    }

    expected = sum(10 * at_ns for at_ns in last.values() if at_ns > anew_ns)

    assert heard(told).calls_of_all == heard([*otherwise, *told]).calls_of_all == expected


def test_what_a_run_spends_is_summed_over_the_minute_that_runs() -> None:
    """Each worker's minute begins with its own first call, and counts while it lasts."""
    count = Count()
    count.spend(5, MINUTE_NS)
    count.spend(6, MINUTE_NS + 1)
    count.hear("b", 1, (1, 2 * MINUTE_NS - 1, 100, 0, 0))

    assert count.spent_of_all(2 * MINUTE_NS - 1) == 111
    assert count.spent_of_all(2 * MINUTE_NS) == 100
    assert count.spent_of_all(4 * MINUTE_NS) == 0


def test_a_clock_that_is_set_back_tells_no_older_word() -> None:
    """What a worker tells later stands, whatever its clock says."""
    count = Count()

    instants = [count.stamp(now_ns) for now_ns in (10, 5, 5, 20)]

    assert instants == [10, 11, 12, 20]
    assert count.begin_anew() == 20
    assert count.stamp(3) == 21


def test_workers_that_are_gone_count_once_however_many_they_were() -> None:
    """What all of them counted is told anew by each steward that is met, and is known already."""
    told = [(f"worker-{number}", number + 1) for number in range(2 * WORKERS_MAX)]
    count = Count()

    for name, at_ns in 2 * told:
        count.hear(name, at_ns, (10, 0, 0, 0, 0))

    assert count.calls_of_all == 10 * len(told)
