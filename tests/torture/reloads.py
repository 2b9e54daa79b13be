"""Reloads and workers restarted in turn under open streams: `python -m tests.torture.reloads`.

Prints how many streams ended, how many of them not as they should, and what the node's processes
took of memory at the beginning and at the end; exit 1 when a client saw an error or a reload
was refused.
"""

import argparse
import asyncio
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from openai import AsyncOpenAI, OpenAIError
from typer.testing import CliRunner

from headgate.cli.main import app
from headgate.node.paths import run_dir
from tests.node.harness import TestNode, once, running_node, until
from tests.node.wire import CHAT, Call, Reply, chat, send
from tests.torture.checker import check, render

LIMIT_USD = 1_000
SHOWN = 5
LIMIT_NANOS = LIMIT_USD * 10**9
STREAM = chat("Go on. [sim:tokens=20] [sim:delay_ms=150]", tokens=30, stream=True)
CALM_S = 60.0
KEPT = 8
"""So many clients call again and again over a connection that they keep."""
SHORT: Any = [{"role": "user", "content": "Hi [sim:tokens=2] [sim:delay_ms=20]"}]


class Given(NamedTuple):
    """How much is done.

    Attributes:
        streams: How many run at any time.
        seconds_max: No reload is begun later than this.
    """

    reloads: int
    restarts: int
    streams: int
    seconds_max: float = 7_200.0


@dataclass(slots=True)
class Seen:
    """What the clients and we saw.

    Attributes:
        reloads: How many were made.
        refused: What was said of those that were not: the configuration before stayed in force.
        whole: How many streams came whole.
        broken: Those that did not.
        answered: How many calls over kept connections were answered.
        failed: What clients made of those that were not.
        memory_kb: Resident memory of supervisor, steward and workers, at the start and at the end.
        seconds: How long it took.
    """

    reloads: int = 0
    refused: list[str] = field(default_factory=list)
    whole: int = 0
    broken: list[Reply] = field(default_factory=list)
    answered: int = 0
    failed: list[OpenAIError] = field(default_factory=list)
    memory_kb: list[int] = field(default_factory=list)
    seconds: float = 0.0

    def line(self) -> str:
        """Return it as a line."""
        memory = " -> ".join(f"{kb / 1024:.0f} MB" for kb in self.memory_kb)
        ends = f"{self.whole} streams whole, {len(self.broken)} broken"
        kept = f"{self.answered} calls over kept connections answered, {len(self.failed)} failed"
        return f"{ends}; {kept}; node {memory}; {self.seconds:.0f} s"


def reload(node: TestNode, seen: Seen) -> None:
    """Reload as a person does; one that is refused is no client's error."""
    arguments = ["reload", "--config", str(node.config), "--data-dir", str(node.data_dir)]
    done = CliRunner().invoke(app, arguments)
    if done.exit_code == 0:
        seen.reloads += 1
    else:
        seen.refused.append(done.output)


def restart_worker(node: TestNode, worker: str) -> None:
    """Tell a worker to end after its calls, and wait for the next one."""
    node.await_successor(worker, node.send_signal(worker, signal.SIGTERM))


def memory_kb(node: TestNode, workers: int) -> int:
    """Return the resident memory of a node's processes."""
    names = ["supervisor", "steward", *(f"worker-{number}" for number in range(workers))]
    lines = [Path(f"/proc/{node.pid(name)}/status").read_text().splitlines() for name in names]
    return sum(int(line.split()[1]) for each in lines for line in each if "VmRSS" in line)


async def stream_on(node: TestNode, done: asyncio.Event, seen: Seen) -> None:
    """Stream again and again, each on a connection of its own, until it is over."""
    while not done.is_set():
        reply = await send(node.gateway_url, Call(CHAT, node.key(), STREAM))
        if reply.status == 200 and reply.whole and reply.body.rstrip().endswith(b"[DONE]"):
            seen.whole += 1
        else:
            seen.broken.append(reply)


async def call_on(node: TestNode, done: asyncio.Event, seen: Seen) -> None:
    """Call again and again over connections that are kept, and never twice for one answer."""
    async with AsyncOpenAI(
        base_url=f"{node.gateway_url}/v1", api_key=node.key(), max_retries=0
    ) as client:
        while not done.is_set():
            try:
                await client.chat.completions.create(
                    model="mini", messages=SHORT, max_completion_tokens=9
                )
            except OpenAIError as error:
                seen.failed.append(error)
            else:
                seen.answered += 1


async def under_streams(node: TestNode, given: Given, *, workers: int) -> Seen:
    """Reload and restart workers while streams and calls run; each comes to its end."""
    seen, done, began_s = Seen(), asyncio.Event(), time.monotonic()
    streams, restarts = given.streams, given.restarts
    callers = [asyncio.create_task(stream_on(node, done, seen)) for _ in range(streams)]
    callers += [asyncio.create_task(call_on(node, done, seen)) for _ in range(KEPT)]
    seen.memory_kb.append(memory_kb(node, workers))
    for _ in range(given.reloads):
        if time.monotonic() - began_s >= given.seconds_max:
            break
        await asyncio.to_thread(reload, node, seen)
    for number in range(restarts):
        await asyncio.to_thread(restart_worker, node, f"worker-{number % workers}")
    done.set()
    await asyncio.gather(*callers)
    seen.seconds = time.monotonic() - began_s
    return seen


def run(folder: Path, given: Given, workers: int = 2) -> Seen:
    """Run it on a node of its own, and check its books against the provider's bill."""
    budget = once("organisation", str(LIMIT_USD))
    with running_node(folder, budgets=[budget], workers=workers) as node:
        seen = asyncio.run(under_streams(node, given, workers=workers))
        until(lambda: not [*run_dir(node.data_dir).glob("retiring-*")], "old ones ended", CALM_S)
        node.await_nothing_held()
        seen.memory_kb.append(memory_kb(node, workers))
    report = check(node.data_dir, node.bill, {"organisation@once": LIMIT_NANOS})
    assert not report.problems, render(report)
    return seen


def main() -> int:
    """Run it; returns the exit status."""
    parser = argparse.ArgumentParser(prog="make torture-reloads", description=__doc__)
    parser.add_argument("--reloads", type=int, default=1_000)
    parser.add_argument("--restarts", type=int, default=20)
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--minutes", type=int, default=120, help="no reload is begun later")
    wanted = parser.parse_args()
    given = Given(wanted.reloads, wanted.restarts, wanted.streams, wanted.minutes * 60)
    with tempfile.TemporaryDirectory() as folder:
        seen = run(Path(folder), given)
    made = f"{seen.reloads} reloads, {len(seen.refused)} refused, {given.restarts} restarts"
    sys.stdout.write(f"{made}: {seen.line()}\n")
    for each in (*seen.refused[:SHOWN], *seen.broken[:SHOWN], *seen.failed[:SHOWN]):
        sys.stdout.write(f"{each!r}\n")
    return 1 if seen.refused or seen.broken or seen.failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
