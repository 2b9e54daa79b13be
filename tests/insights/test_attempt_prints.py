"""Comparing attempts by sums: what is equal is told so, and any difference is found."""

from hypothesis import given
from hypothesis import strategies as st

from headgate.insights.attempt_prints import End, Prints, Some, differences, part_of

ENDS = st.dictionaries(
    st.text(min_size=1, max_size=8),
    st.builds(End, st.sampled_from(["held", "measured", "void"]), st.integers(0, 3)),
    max_size=30,
)


def prints(ends: list[tuple[str, End]]) -> Prints:
    """Return the sums of attempts."""
    summed = Prints()
    for attempt, end in ends:
        summed.add(attempt, end)
    return summed


@given(ENDS)
def test_the_order_does_not_matter(
    ends: dict[str, End],
) -> None:
    """The same attempts are alike in whatever order they come."""
    there = sorted(ends.items(), reverse=True)

    assert not prints(list(ends.items())).unlike(prints(there))


@given(ENDS, ENDS)
def test_each_difference_is_in_a_part_that_is_unlike(
    here: dict[str, End], there: dict[str, End]
) -> None:
    """Whatever differs is in a part whose sums differ, and is named when that is looked at."""
    differing = {key for key in here.keys() | there.keys() if here.get(key) != there.get(key)}

    parts = prints(list(here.items())).unlike(prints(list(there.items())))

    assert parts == {part_of(key) for key in differing}
    some = Some(parts), Some(parts)
    for one, ends in zip(some, (here, there), strict=True):
        for attempt, end in ends.items():
            one.add(attempt, end)
    assert len(list(differences(*some))) == len(differing)


def test_an_attempt_that_came_twice_is_unlike() -> None:
    """Two of an attempt are not one of it."""
    end = End("measured", 1)

    assert prints([("a", end)]).unlike(prints([("a", end), ("a", end)])) == {part_of("a")}


def test_of_many_attempts_only_some_are_looked_at() -> None:
    """What is kept to be looked at one by one has a bound."""
    here, there = Prints(), Prints()
    for number in range(20_000):
        here.add(f"call_{number}.1", End("measured", number))
    here.count = there.count = 256 * 500_000

    assert len(here.unlike(there)) == 1
