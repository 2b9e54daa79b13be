"""What several workers have learned, merged: in whatever order, bounded, and each thing once."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.capacity.pace import HALF_LIFE_NS, Faded, Fading
from headgate.experience import pool as pooling
from headgate.experience.pool import Pool
from headgate.experience.rows import CountRow, Experience, FadedRow, LatestRow
from headgate.experience.text import FORM, experience_text, read_experience
from headgate.units.counts import Counts
from headgate.units.sealed import StateError, seal

MOST = 1 << 30
MINUTE = HALF_LIFE_NS
NEVER_HALVED = '[{"type": "experience", "hashes": 1, "counts": [[["a"], 0, {}]]}]'

keys = st.sampled_from([("held", "a", "x"), ("held", "a", "y"), ("judged", "p", "x")])
numbers = st.dictionaries(st.integers(0, 9), st.integers(1, 100), max_size=4)
counted = st.builds(CountRow, keys, st.just(MOST), numbers)
known = st.builds(
    LatestRow,
    st.sampled_from([("session", "alice", "1"), ("session", "bob", "1")]),
    st.integers(0, 5),
    st.tuples(st.sampled_from(["a", "b", None]), st.integers(0, 2)),
)
news = st.builds(
    Experience,
    st.just(7),
    st.just(value=False),
    st.lists(counted, max_size=3).map(tuple),
    st.just(()),
    st.lists(known, max_size=3).map(tuple),
)


FEW = settings(max_examples=30)
T = TypeVar("T")


def in_two_orders(each: st.SearchStrategy[T]) -> st.SearchStrategy[tuple[list[T], Sequence[T]]]:
    """Return some of them, as they were made and in another order."""
    some = st.lists(each, max_size=6)
    return some.flatmap(lambda made: st.tuples(st.just(made), st.permutations(made)))


def heard(told: Iterable[Experience]) -> Pool:
    """Return what has heard these."""
    pool = Pool()
    for each in told:
        pool.hear(each)
    return pool


def all_of(pool: Pool) -> list[list[tuple[object, ...]]]:
    """Return what a pool knows, in an order of its own."""
    whole = list(pool.whole())
    counts = [msgspec.structs.astuple(row) for each in whole for row in each.counts]
    latest = [msgspec.structs.astuple(row) for each in whole for row in each.latest]
    return [sorted(counts, key=repr), sorted(latest, key=repr)]


@FEW
@given(in_two_orders(news))
def test_it_is_the_same_in_whatever_order_workers_tell(
    orders: tuple[list[Experience], Sequence[Experience]],
) -> None:
    """Counts add up, and of what was known at an instant the latest stands."""
    told, otherwise = orders

    assert all_of(heard(told)) == all_of(heard(otherwise))


@FEW
@given(st.lists(news, max_size=6))
def test_what_was_known_at_an_instant_may_be_told_twice(told: list[Experience]) -> None:
    """Told again, it is what it was: a session is where its last call was served."""
    latest = [msgspec.structs.replace(each, counts=()) for each in told]

    assert all_of(heard([*latest, *latest])) == all_of(heard(latest))


@FEW
@given(
    st.lists(numbers, max_size=5).flatmap(
        lambda told: st.tuples(st.just(told), st.permutations(told))
    )
)
def test_counts_of_the_same_things_are_taken_over_once(
    orders: tuple[list[dict[int, int]], Sequence[dict[int, int]]],
) -> None:
    """The fuller ones stay, in whatever order they come and however often."""

    def joined(told: Iterable[dict[int, int]]) -> Counts:
        counts = Counts(MOST)
        for each in told:
            counts.join(each)
        return counts

    told, otherwise = orders

    assert joined(told).numbers == joined([*otherwise, *told]).numbers
    assert joined(told).n == max((sum(each.values()) for each in told), default=0)


@FEW
@given(st.lists(numbers, min_size=1, max_size=30), st.integers(2, 50))
def test_counts_are_bounded_and_none_is_negative(told: list[dict[int, int]], most: int) -> None:
    """However much is told, fewer than `most` count."""
    counts = Counts(most)

    for each in told:
        counts.add(each)

    assert 0 <= counts.n == sum(counts.numbers.values()) < most
    assert all(times > 0 for times in counts.numbers.values())


observed = st.tuples(
    st.integers(8 * MINUTE, 10 * MINUTE), st.integers(0, 10**6), st.integers(1, 1_000)
)


@FEW
@given(st.lists(observed, min_size=1, max_size=8), st.integers(1, 7))
def test_what_fades_is_the_mean_of_what_all_saw(
    seen: list[tuple[int, int, int]], parts: int
) -> None:
    """Told by several workers in any shares it is what one would know, but for what is rounded."""
    end_ns = 10 * MINUTE
    alone, told = Fading(), Fading()
    for at_ns, above, below in sorted(seen):
        alone.add(above, below, at_ns)
    for part in range(parts):
        worker = Fading()
        for at_ns, above, below in sorted(seen[part::parts]):
            worker.add(above, below, at_ns)
        told.absorb(worker.faded())

    mine, theirs = alone.ratio(end_ns), told.ratio(end_ns)

    assert (mine is None) == (theirs is None)
    if mine is not None and theirs is not None:
        # Between two halvings it falls along a line, so it matters a little when one looks.
        assert abs(mine - theirs) <= mine // 4 + 1


def test_of_the_same_sums_those_of_more_are_taken_over() -> None:
    """Told twice it is once: what fades is not added to itself."""
    fading = Fading()
    fading.add(400, 1, 0)
    before = fading.faded()

    fading.join(before)
    fading.join(Faded(0, 0, 0, 1))

    assert fading.faded() == before


def test_it_is_bounded_and_what_was_told_of_longest_ago_goes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However many things are told of, so many are known."""
    monkeypatch.setattr(pooling, "KEYS_MAX", 2)
    monkeypatch.setattr(pooling, "LATEST_MAX", 2)
    pool = Pool()

    for name in ("a", "b", "a", "c"):
        row = LatestRow((name,), pool.changes, ())
        faded = FadedRow((name,), MINUTE, 0, 1, 1, 1)
        pool.hear(Experience(7, False, (CountRow((name,), MOST, {1: 1}),), (faded,), (row,)))

    (whole,) = pool.whole()
    for rows in (whole.counts, whole.faded, whole.latest):
        assert [row.key for row in rows] == [("a",), ("c",)]


def test_what_others_hashed_is_forgotten() -> None:
    """A hash under another key stands for nothing; counts go on."""
    row = LatestRow(("session", "alice", "1"), 1, ("a",))
    pool = heard([Experience(7, counts=(CountRow(("held",), MOST, {1: 1}),), latest=(row,))])

    pool.hear(Experience(8))

    (whole,) = pool.whole()
    assert (len(whole.counts), whole.latest, whole.hashes) == (1, (), 8)


@FEW
@given(st.lists(news, max_size=4))
def test_what_is_kept_is_what_was_known(told: list[Experience]) -> None:
    """A restart knows what the steward knew before it."""
    pool = heard(told)

    kept = read_experience(experience_text(list(pool.whole())))

    assert all_of(kept) == all_of(pool)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace("held", "hold"),
        lambda text: text[:-2],
        lambda text: text.replace(FORM, "headgate-experience 0"),
        lambda _text: "",
        lambda _text: seal(FORM, '[{"type": "experience"}]'),
        lambda _text: seal(
            FORM, '[{"type": "experience", "hashes": 1, "counts": [[["a"], 0, {}]]}]'
        ),
    ],
)
def test_a_file_that_is_damaged_or_of_another_version_is_refused(damage: object) -> None:
    """All of it: half of what was known is worse than nothing."""
    pool = heard([Experience(7, counts=(CountRow(("held",), MOST, {1: 1}),))])
    text = experience_text(list(pool.whole()))
    assert callable(damage)

    with pytest.raises(StateError):
        read_experience(damage(text))
