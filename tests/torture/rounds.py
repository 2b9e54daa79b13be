"""Rounds of torture: a real node under streams, and something dreadful again and again.

A round has one node. Each blow falls at a random moment of a crowd of streams: a process is killed,
stopped for a while, dies at a crash point, or finds the clock set to another day. At the end the
outsider's checker compares all journals with the bill of the simulators and with what the clients
saw, and the store with its journals.
"""

import asyncio
import contextlib
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from headgate.insights.books import check_books
from headgate.store.database import open_store_readonly
from tests.node.harness import ROOT, TestNode, once_nanos, running_node, until
from tests.node.wire import CHAT, MESSAGES, RESPONSES, Call, Reply, chat, message, response
from tests.torture.checker import check
from tests.torture.clock import CLOCK, jump
from tests.torture.crash_points import ARMED, all_sites
from tests.torture.crowd import pairs, streams

STREAMS = 12
TOKENS = 60
PIECES = TOKENS // 2
TEXT = f"Go on. [sim:tokens={TOKENS}] [sim:delay_ms=3] [sim:chunk_tokens=2]"
BODIES = [
    (CHAT, chat(TEXT, tokens=100, stream=True)),
    (MESSAGES, message(TEXT, tokens=100, stream=True)),
    (RESPONSES, response(TEXT, tokens=100, stream=True)),
]
LIMIT_NANOS = 10**15
DAY_S = 86_400
CRASHING = f"{ROOT / 'src'}:{ROOT}:{ROOT / 'tests/torture/crashing'}"
"""Where processes find what befalls them, before they find themselves."""
PROCESSES = ("worker-0", "steward")
BLOWS = (
    *("kill a worker", "kill a steward") * 5,
    *("kill the supervisor", "stop a worker", "stop a steward"),
    *("set the clock", "crash point") * 2,
)


@dataclass(slots=True)
class Tally:
    """What was done, and what was found.

    Attributes:
        blows: By kind; crash points only where somebody died.
        states: How attempts ended.
        problems: What the checks objected to; there should be none.
    """

    blows: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    sites: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    @property
    def kills(self) -> int:
        """How often a process died by SIGKILL."""
        return sum(n for blow, n in self.blows.items() if blow.startswith(("kill", "crash")))


class Round:
    """One node and what befalls it: some of `kinds`."""

    def __init__(
        self,
        folder: Path,
        tally: Tally,
        chance: random.Random,
        kinds: Sequence[str] = BLOWS,
    ) -> None:
        self._folder, self._tally, self._chance, self._kinds = folder, tally, chance, kinds
        self._clock, self._armed = folder / "clock", folder / "armed"
        self._sites = all_sites()
        self._seen: dict[str, str] = {}
        self._node: TestNode

    def run(self, blows: int, durability: str, goes_on: Callable[[], bool]) -> None:
        """Deal so many blows, or as long as it goes on; then check everything."""
        self._folder.mkdir(parents=True)
        jump(self._clock, 0)
        environment = {
            "PYTHONPATH": CRASHING,
            CLOCK: str(self._clock),
            ARMED: str(self._armed),
        }
        extra = f'[journal]\ndurability = "{durability}"'
        budgets = [once_nanos("organisation", LIMIT_NANOS)]
        with running_node(
            self._folder, budgets=budgets, extra=extra, environment=environment
        ) as self._node:
            for _ in range(blows):
                if not goes_on():
                    break
                self._deal(self._chance.choice(self._kinds))
            jump(self._clock, 0)
            self._recovered()
            until(lambda: self._node.simulator.generating == 0, "the upstream has billed")
            self._node.await_nothing_held()
            if self._node.stop() != 0:
                self._tally.problems.append("the node did not stop in order")
        self._check()

    def _deal(self, blow: str) -> None:
        blows: dict[str, Callable[[], None]] = {
            "kill a worker": lambda: self._kill("worker-0"),
            "kill a steward": lambda: self._kill("steward"),
            "kill the supervisor": self._kill_all,
            "stop a worker": lambda: self._stop("worker-0"),
            "stop a steward": lambda: self._stop("steward"),
            "set the clock": self._set_clock,
            "crash point": self._crash,
        }
        blows[blow]()
        if blow != "crash point":
            self._tally.blows[blow] += 1

    def _under_streams(self, act: Callable[[], None]) -> list[Reply]:
        node = self._node
        calls = [Call(path, node.key(), body) for path, body in (BODIES * STREAMS)[:STREAMS]]
        moment = self._chance.randrange(1, STREAMS * PIECES * 3 // 4)
        replies = asyncio.run(streams(node, calls, moment, act))
        self._seen |= pairs(replies)
        return replies

    def _kill(self, name: str) -> None:
        dead: list[int] = []
        self._under_streams(lambda: dead.append(self._node.kill(name)))
        self._node.await_successor(name, dead[0])

    def _kill_all(self) -> None:
        node = self._node
        pids = [node.pid(name) for name in PROCESSES]
        self._under_streams(lambda: node.process.kill())
        node.process.wait()
        until(lambda: not any(_lives(pid) for pid in pids), "worker and steward have ended")
        node.start()

    def _stop(self, name: str) -> None:
        """Stop a process for a while; a steward that hangs for long costs refusals, not money."""
        pause_s = self._chance.choice((0.05, 0.5, 2.5))

        def stop() -> None:
            pid = self._node.send_signal(name, signal.SIGSTOP)
            threading.Timer(pause_s, _go_on, (pid,)).start()

        self._under_streams(stop)

    def _set_clock(self) -> None:
        days = self._chance.choice((-2, -1, 1, 2))
        self._under_streams(lambda: jump(self._clock, days * DAY_S))

    def _crash(self) -> None:
        site, visit = self._chance.choice(self._sites), self._chance.choice((1, 1, 2, 5, 20))
        self._under_streams(lambda: _arm(self._armed, f"{site} {visit}"))
        if not self._armed.exists():
            self._tally.blows["crash point"] += 1
            self._tally.sites[site] += 1
        self._armed.unlink(missing_ok=True)
        self._recovered()

    def _recovered(self) -> None:
        """Wait until all processes are there and calls are served."""
        node = self._node
        until(lambda: all(_lives(_pid(node, name)) for name in PROCESSES), "all processes run")
        node.await_ready()

    def _check(self) -> None:
        node, tally = self._node, self._tally
        report = check(
            node.data_dir, node.bill, {"organisation@once": LIMIT_NANOS}, pairs=self._seen
        )
        tally.states += report.states
        tally.problems += report.problems
        engine = open_store_readonly(node.data_dir)
        tally.problems += check_books(engine, node.data_dir / "journal").problems
        engine.dispose()
        (standing,) = node.standings()
        if standing.held_nanos or standing.unaccounted_nanos:
            tally.problems.append(f"left over: {standing}")


def _pid(node: TestNode, name: str) -> int:
    text = (node.data_dir / "run" / f"{name}.pid").read_text()
    return int(text) if text.endswith("\n") else 0


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _go_on(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def _arm(path: Path, what: str) -> None:
    # Whole at once: a process that looks at half a name would never come to that site.
    path.with_suffix(".new").write_text(what)
    path.with_suffix(".new").rename(path)
