"""Processes killed with -9 in the middle of streams: no money is lost, none stays held."""

import asyncio
import random
from pathlib import Path

import pytest

from tests import stores
from tests.node.harness import TestNode, once_nanos, running_node, until
from tests.node.wire import CHAT, MESSAGES, RESPONSES, Call, Reply, chat, message, response
from tests.torture.blows import Tally, set_the_clock
from tests.torture.checker import check, render
from tests.torture.crowd import outcome, pairs, stampede, streams
from tests.torture.rounds import Round
from tests.torture.stages import FOUR, ONE, TWO_NODES, Play

TOKENS = 60
PIECES = TOKENS // 2
TEXT = f"Go on. [sim:tokens={TOKENS}] [sim:delay_ms=3] [sim:chunk_tokens=2]"
STREAMS = [
    (CHAT, chat(TEXT, tokens=100, stream=True)),
    (MESSAGES, message(TEXT, tokens=100, stream=True)),
    (RESPONSES, response(TEXT, tokens=100, stream=True)),
]
HOLD_NANOS_MAX = 3_000_000
"""Above what any of these calls is held at."""

LATER = chat("Count. [sim:tokens=10]", tokens=2_000)
SPARE = 12
"""How many more calls the budget is made for, beyond all that can have been spent."""


def crowd(node: TestNode, count: int) -> list[Call]:
    """Return so many streaming calls, of several dialects in turn."""
    return [Call(path, node.key(), body) for path, body in (STREAMS * count)[:count]]


def kill_under_streams(
    node: TestNode, victim: str, count: int, moment: int
) -> tuple[int, list[Reply]]:
    """Kill a process when its streams have brought `moment` pieces; its id, and the replies."""
    dead: list[int] = []
    replies = asyncio.run(
        streams(node, crowd(node, count), moment, lambda: dead.append(node.kill(victim)))
    )
    return dead[0], replies


POWER = '[journal]\ndurability = "power"'


def torture(tmp_path: Path, victims: list[str], count: int, *, extra: str = "") -> dict[str, int]:
    """Kill processes under streams, one after the other; then the books must balance.

    Args:
        tmp_path: Where the node has its files.
        victims: Whom to kill.
        count: How many streams run at each kill.
        extra: More of the node's configuration.

    Returns:
        How many attempts ended in each state.
    """
    chance = random.Random(len(victims) * 1_000 + count)
    limit = (len(victims) * count + SPARE) * HOLD_NANOS_MAX
    seen: dict[str, str] = {}
    budgets = [once_nanos("organisation", limit)]
    with running_node(tmp_path, budgets=budgets, extra=extra) as node:
        hold = node.hold_nanos(LATER, CHAT)
        for victim in victims:
            moment = chance.randrange(1, count * PIECES * 3 // 4)
            dead, replies = kill_under_streams(node, victim, count, moment)
            seen |= pairs(replies)
            if victim == "steward":
                assert [each for each in replies if each.status != 200 or not each.whole] == []
            node.await_successor(victim, dead)
        until(lambda: node.simulator.generating == 0, "the upstream has billed what it sent")
        (standing,) = node.await_nothing_held()
        assert standing.unaccounted_nanos == 0
        assert standing.free_nanos == limit - standing.posted_nanos
        fits = standing.free_nanos // hold
        calls = [Call(CHAT, node.key(), LATER) for _ in range(fits + 5)]
        assert outcome(asyncio.run(stampede(node, calls, fits))) == (fits, 5)
        assert node.stop() == 0
    report = check(node.data_dir, node.bill, {"organisation@once": limit}, pairs=seen)
    assert not report.problems, render(report)
    return dict(report.states)


def test_a_worker_killed_three_times_under_streams(tmp_path: Path) -> None:
    """What was settled before a kill equals the bill; what was in flight is posted at its hold.

    Afterwards nothing is held, and the budget admits exactly what is free.
    """
    states = torture(tmp_path, ["worker-0"] * 3, 16)
    assert states["estimated"] > 0


def test_a_steward_killed_three_times_under_streams(tmp_path: Path) -> None:
    """The death of the steward costs no running call anything: every stream comes whole."""
    states = torture(tmp_path, ["steward"] * 3, 16)
    assert set(states) == {"measured"}


def test_steward_and_worker_killed_in_turn(tmp_path: Path) -> None:
    """A new steward knows as much of a running worker's journal as the old one did.

    When that worker then dies, the idle rest of its leases is free again. So in class `power` too.
    """
    states = torture(tmp_path, ["steward", "worker-0", "steward", "worker-0"], 8, extra=POWER)
    assert states["estimated"] > 0


@pytest.mark.slow
def test_a_clock_that_jumps_changes_no_sum(tmp_path: Path) -> None:
    """Set by up to two days under streams, the time of day of all processes moves no money."""
    tally = Tally()
    round_ = Round(tmp_path / "round", tally, random.Random(5), blows=[set_the_clock])
    round_.run(3, "process", lambda: True)
    assert not tally.problems
    assert set(tally.states) == {"measured"}


@pytest.mark.slow
@pytest.mark.parametrize("durability", ["process", "power"])
@pytest.mark.parametrize("play", [ONE, FOUR, TWO_NODES], ids=["one", "four", "two nodes"])
def test_all_sorts_of_blows(tmp_path: Path, play: Play, durability: str) -> None:
    """Deaths, crash points, stopped processes and clocks that jump, in any order, lose nothing.

    So with several workers, and with two nodes on a server that dies, hangs and is cut off.
    """
    if play is TWO_NODES and stores.binaries() is None:
        pytest.skip("no PostgreSQL is installed")
    tally = Tally()
    Round(tmp_path / "round", tally, random.Random(5), play).run(6, durability, lambda: True)
    assert not tally.problems
    assert tally.checks == 7
    assert sum(tally.states.values()) > 50


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["worker-0", "steward"])
def test_twenty_kills_under_64_streams(tmp_path: Path, victim: str) -> None:
    """Twenty deaths under 64 streams each lose no charge, count none twice, and hold nothing."""
    states = torture(tmp_path, [victim] * 20, 64)
    assert set(states) <= {"measured", "estimated"}
