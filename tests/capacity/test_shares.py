"""Places are shared by weight among the teams that want them, and by class before that."""

import random
from collections import Counter
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.capacity.places import AGE_MS, AGED_EVERY, Places
from headgate.records.priority import BATCH, INTERACTIVE, PRIORITIES
from tests.capacity.simulated import Deployment

WEIGHTS = {"a": 5, "b": 3, "c": 2}
MINUTE_US = 60_000_000
ROOM = 10_000


def keep_busy(
    deployment: Deployment,
    team: str,
    services_us: tuple[int, int],
    chance: random.Random,
    *,
    rank: int = INTERACTIVE,
) -> None:
    """Let a team have twelve calls in flight or waiting, always, each as long as chance has it."""

    def again() -> None:
        deployment.call(team, chance.randint(*services_us), rank, again)

    for _ in range(12):
        again()


@settings(max_examples=20)
@given(
    places=st.integers(1, 12),
    seed=st.integers(0, 2**32),
    means_us=st.tuples(*[st.integers(20_000, 400_000)] * 3),
)
def test_a_saturated_minute_is_shared_by_weight(
    places: int, seed: int, means_us: tuple[int, int, int]
) -> None:
    """Three teams at 5:3:2 hold places for a minute in that proportion, within 5 % of the whole,
    however many places there are and however long the calls of each take."""
    deployment = Deployment(Places(places, ROOM, WEIGHTS))
    chance = random.Random(seed)
    for team, mean_us in zip(WEIGHTS, means_us, strict=True):
        keep_busy(deployment, team, (mean_us // 2, mean_us * 3 // 2), chance)
    deployment.run(MINUTE_US)

    whole = deployment.held_us.total()
    for team, weight in WEIGHTS.items():
        assert abs(10 * deployment.held_us[team] - weight * whole) <= whole // 2, team


def test_an_idle_share_is_lent_and_soon_back() -> None:
    """Alone, a team has every place; when another comes, the next places that are free are its
    own until it holds its share."""
    deployment = Deployment(Places(10, ROOM))
    chance = random.Random(1)
    keep_busy(deployment, "a", (1_000_000, 1_000_000), chance)
    deployment.run(3_500_000)
    assert deployment.places.taken == 10

    keep_busy(deployment, "b", (1_000_000, 1_000_000), chance)
    deployment.run(4_500_000)

    (queue,) = (each for each in deployment.places.queues if each.running)
    assert {share.team: share.running for share in queue.shares()} == {"a": 5, "b": 5}


def test_what_was_lent_is_not_held_against_the_borrower() -> None:
    """A team that had everything for a minute has its half afterwards, no less."""
    deployment = Deployment(Places(1, ROOM))
    chance = random.Random(2)
    keep_busy(deployment, "a", (100_000, 100_000), chance)
    deployment.run(MINUTE_US)
    deployment.held_us.clear()
    keep_busy(deployment, "b", (100_000, 100_000), chance)
    deployment.run(2 * MINUTE_US)

    assert abs(deployment.held_us["a"] - deployment.held_us["b"]) <= 500_000


arrivals = st.lists(
    st.tuples(
        st.integers(0, 5_000_000),
        st.sampled_from(["a", "b", "c", "d"]),
        st.integers(0, len(PRIORITIES) - 1),
        st.integers(1_000, 2_000_000),
    ),
    max_size=60,
)


@given(arrivals=arrivals, places=st.integers(1, 5))
def test_nobody_starves_and_no_place_is_idle_while_somebody_waits(
    arrivals: list[tuple[int, str, int, int]], places: int
) -> None:
    """Whatever comes, every call has its place in the end, in order within its team and class."""
    deployment = Deployment(Places(places, ROOM, WEIGHTS))
    for at_us, team, rank, service_us in arrivals:
        deployment.at(at_us, partial(deployment.call, team, service_us, rank))
    deployment.run()

    assert len(deployment.waits_ms) == len(arrivals)
    assert not deployment.refused
    assert (deployment.places.taken, deployment.places.waiting) == (0, 0)


@given(arrivals=arrivals, places=st.integers(1, 3), room=st.integers(0, 5))
def test_a_full_queue_loses_no_call_and_no_place(
    arrivals: list[tuple[int, str, int, int]], places: int, room: int
) -> None:
    """Each call is either served or told that there is no room, once."""
    deployment = Deployment(Places(places, room, WEIGHTS))
    for at_us, team, rank, service_us in arrivals:
        deployment.at(at_us, partial(deployment.call, team, service_us, rank))
    deployment.run()

    came = Counter(team for _, team, _, _ in arrivals)
    assert Counter(team for team, _, _ in deployment.waits_ms) + Counter(deployment.refused) == came
    assert (deployment.places.taken, deployment.places.waiting) == (0, 0)


def test_a_higher_class_waits_for_no_lower_one() -> None:
    """Calls of `interactive` have the next places, however many of `batch` wait before them."""
    deployment = Deployment(Places(1, ROOM))
    for _ in range(5):
        deployment.call("a", 1_000, BATCH)
    for _ in range(3):
        deployment.call("b", 1_000, INTERACTIVE)
    deployment.run()

    assert [rank for _, rank, _ in deployment.waits_ms] == [BATCH, *[INTERACTIVE] * 3, *[BATCH] * 4]


def test_a_low_class_gets_in_although_a_higher_one_never_ends() -> None:
    """Beyond its age a batch call has one place in eight, so its wait is bounded."""
    deployment = Deployment(Places(1, ROOM))
    keep_busy(deployment, "a", (100_000, 100_000), random.Random(3))
    for _ in range(10):
        deployment.call("b", 100_000, BATCH)
    deployment.run(MINUTE_US)

    waits_ms = [wait for _, rank, wait in deployment.waits_ms if rank == BATCH]
    assert len(waits_ms) == 10
    assert min(waits_ms) >= AGE_MS
    assert max(waits_ms) <= AGE_MS + 100 * AGED_EVERY * 11


def test_a_flood_does_not_take_the_room_of_others() -> None:
    """When the queue is full of one team's calls, the one that came last of them makes room."""
    deployment = Deployment(Places(1, 4))
    for _ in range(10):
        deployment.call("flood", 1_000, INTERACTIVE)
    assert deployment.refused == ["flood"] * 5
    deployment.call("other", 1_000, INTERACTIVE)
    deployment.call("other", 1_000, INTERACTIVE)
    deployment.call("other", 1_000, INTERACTIVE)

    assert deployment.refused == [*["flood"] * 7, "other"]


@pytest.mark.parametrize("rank", [INTERACTIVE, BATCH])
def test_the_eta_is_right_within_a_factor_of_two(rank: int) -> None:
    """Of a call that comes to a crowd of three teams, told before it waits."""
    places = Places(4, ROOM, WEIGHTS)
    places.service_us = 500_000
    deployment = Deployment(places)
    for team in WEIGHTS:
        for _ in range(20):
            deployment.call(team, 500_000)
    told_ms = {team: places.eta_ms(rank, team) for team in WEIGHTS}
    for team in WEIGHTS:
        deployment.call(team, 500_000, rank)
    deployment.run()

    last = {team: wait_ms for team, _, wait_ms in deployment.waits_ms}
    for team, wait_ms in last.items():
        assert wait_ms / 2 <= told_ms[team] <= wait_ms * 2, team
