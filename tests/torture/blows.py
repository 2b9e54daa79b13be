"""What befalls a stage in a round of torture, each while its clients stream.

A blow ends when whoever it hit is there again; what it leaves is checked by the round.
"""

import asyncio
import contextlib
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.node.harness import TestNode, until
from tests.torture.clients import Crowd
from tests.torture.clock import jump
from tests.torture.stages import Stage, lives, pid_file, processes

DAY_S = 86_400
VOLLEY_MIN, VOLLEY_MAX = 4, 10
STEWARDS = 0.45
"""The share of kills that are meant for a steward, where there is one to kill."""
PAUSES_S = (0.05, 0.5, 2.5)
PARTED_S = (0.3, 2.5, 2.5, 12.0)
"""A node that is parted for longer than ten seconds stops spending."""


@dataclass(slots=True)
class Tally:
    """What was done, and what was found.

    Attributes:
        blows: By kind; crash points only where somebody died.
        starting: How many of those who were killed had not yet begun to serve.
        kills_on: Deaths by SIGKILL, by stage.
        checks: How often everything was checked.
        states: How attempts ended.
        problems: What the checks objected to; there should be none.
    """

    blows: Counter[str] = field(default_factory=Counter)
    starting: int = 0
    kills_on: Counter[str] = field(default_factory=Counter)
    checks: int = 0
    states: Counter[str] = field(default_factory=Counter)
    sites: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        """How often a process died by SIGKILL."""
        return sum(n for blow, n in self.blows.items() if blow.startswith(("kill", "crash")))


@dataclass(slots=True)
class Fate:
    """What decides, where it is written, and what all who follow it look at.

    Attributes:
        clock: See `clock.py`.
        armed: See `crash_points.py`.
        sites: All crash points.
    """

    stage: Stage
    chance: random.Random
    tally: Tally
    clock: Path
    armed: Path
    sites: list[str]

    def node(self) -> TestNode:
        """Return any node."""
        return self.chance.choice(self.stage.nodes)


async def volley(fate: Fate, crowd: Crowd) -> None:
    """Kill one after the other at any moment, whether the last has been replaced or not."""
    for _ in range(fate.chance.randint(VOLLEY_MIN, VOLLEY_MAX)):
        await crowd.moment(fate.chance)
        node = fate.node()
        living = processes(node)
        wanted = "steward" if fate.chance.random() < STEWARDS else "worker"
        living = [each for each in living if each.name.startswith(wanted)] or living
        if not living:
            continue
        victim = fate.chance.choice(living)
        fate.tally.starting += pid_file(node, victim.name) != victim.pid
        fate.tally.blows[f"kill a {victim.name.partition('-')[0]}"] += 1
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim.pid, signal.SIGKILL)
    await asyncio.to_thread(fate.stage.await_served)


async def kill_the_supervisor(fate: Fate, crowd: Crowd) -> None:
    """Kill a supervisor: its node finishes what runs and ends; then it is started again."""
    await crowd.moment(fate.chance)
    node = fate.node()
    left = processes(node)
    node.process.kill()
    fate.tally.blows["kill the supervisor"] += 1

    def start_again() -> None:
        node.process.wait()
        until(lambda: not any(lives(each.pid) for each in left), "the node has ended", 180)
        node.start(fate.stage.workers)

    await asyncio.to_thread(start_again)


async def stop_a_process(fate: Fate, crowd: Crowd) -> None:
    """Stop a process for a while; a steward that hangs for long costs refusals, not money."""
    await crowd.moment(fate.chance)
    living = processes(fate.node())
    if not living:
        return
    victim = fate.chance.choice(living)
    fate.tally.blows[f"stop a {victim.name.partition('-')[0]}"] += 1
    await _pause([victim.pid], fate.chance.choice(PAUSES_S))


async def set_the_clock(fate: Fate, crowd: Crowd) -> None:
    """Set the time of day of all processes, which stays so until it is set again."""
    await crowd.moment(fate.chance)
    fate.tally.blows["set the clock"] += 1
    jump(fate.clock, fate.chance.choice((-2, -1, 1, 2)) * DAY_S)
    await crowd.moment(fate.chance)


async def crash_point(fate: Fate, crowd: Crowd) -> None:
    """Have whoever comes to a crash point die there."""
    await crowd.moment(fate.chance)
    site, visit = fate.chance.choice(fate.sites), fate.chance.choice((1, 1, 2, 5, 20))
    _arm(fate.armed, f"{site} {visit}")
    await crowd.moment(fate.chance)
    await crowd.moment(fate.chance)
    if fate.armed.exists():
        # Somebody may come to it at this very moment: then it was nobody's.
        fate.armed.unlink(missing_ok=True)
    else:
        fate.tally.blows["crash point"] += 1
        fate.tally.sites[site] += 1
    await asyncio.to_thread(fate.stage.await_served)


async def restart_the_server(fate: Fate, crowd: Crowd) -> None:
    """Have the database server die and come back."""
    assert fate.stage.cluster is not None
    await crowd.moment(fate.chance)
    fate.tally.blows["restart PostgreSQL"] += 1
    await asyncio.to_thread(fate.stage.cluster.stop, "immediate")
    await crowd.moment(fate.chance)
    await asyncio.to_thread(fate.stage.cluster.start)
    await asyncio.to_thread(fate.stage.await_served)


async def stop_the_server(fate: Fate, crowd: Crowd) -> None:
    """Stop all processes of the database server for a while."""
    assert fate.stage.cluster is not None
    await crowd.moment(fate.chance)
    fate.tally.blows["stop PostgreSQL"] += 1
    await _pause(fate.stage.cluster.pids(), fate.chance.choice(PAUSES_S))


async def part_a_node(fate: Fate, crowd: Crowd) -> None:
    """Part the first node from the database for a while, in one of the ways of networks."""
    network = fate.stage.network
    assert network is not None
    await crowd.moment(fate.chance)
    how = fate.chance.choice((network.cut, network.stall, network.reset, network.forget))
    fate.tally.blows[f"network: {how.__name__}"] += 1
    how()
    try:
        if how in {network.cut, network.stall}:
            await _wait(fate.chance.choice(PARTED_S))
    finally:
        network.heal()
    await asyncio.to_thread(fate.stage.await_served)


async def _pause(pids: list[int], pause_s: float) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
    # Whatever becomes of us, they go on.
    going = threading.Timer(pause_s, _go_on, (pids,))
    going.start()
    await asyncio.to_thread(going.join)


def _go_on(pids: list[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


async def _wait(seconds: float) -> None:
    await asyncio.to_thread(threading.Event().wait, seconds)


def _arm(path: Path, what: str) -> None:
    # Whole at once: a process that looks at half a name would never come to that site.
    path.with_suffix(".new").write_text(what)
    path.with_suffix(".new").rename(path)


Blow = Callable[[Fate, Crowd], Coroutine[Any, Any, None]]
ANYWHERE: tuple[Blow, ...] = (
    *(volley,) * 10,
    *(kill_the_supervisor, stop_a_process, set_the_clock, crash_point),
)
ON_A_SERVER: tuple[Blow, ...] = (*ANYWHERE, restart_the_server, stop_the_server, part_a_node)
