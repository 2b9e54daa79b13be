"""The demonstration's traffic: everybody calls until told to stop, and one is frozen at times."""

import asyncio
from collections import Counter
from pathlib import Path

import anthropic
import httpx2
import openai
import uvloop

from headgate.cli.demonstration.callers import Caller, make_callers
from headgate.cli.demonstration.child import at_end_of_input, read_setup, tell
from headgate.cli.demonstration.messages import Tally, TrafficSetup
from headgate.node.commands import command
from headgate.node.messages import Freeze

STOP_TIMEOUT_S = 10.0
FROZEN_NODE = "principal:nightly"
FREEZE_AFTER_S = 2.0
FREEZE_FOR_S = 5.0
"""Long enough to be seen on a page that asks every two seconds."""
FREEZE_PAUSE_S = 20.0
REFUSED_PAUSE_S = 1.0
"""Whoever was told no waits this long: nobody hammers on a shut gate."""


async def _keep_calling(caller: Caller, stopping: asyncio.Event, seen: Counter[str]) -> None:
    while not stopping.is_set():
        pause_s = caller.PAUSE_S
        try:
            await caller.turn()
            seen[""] += 1
        except (openai.OpenAIError, anthropic.AnthropicError, httpx2.HTTPError) as error:
            # To be refused is part of the picture; the books know why. Anthropic's client lets
            # errors of its HTTP library through when a stream breaks off.
            seen[type(error).__name__] += 1
            pause_s = max(pause_s, REFUSED_PAUSE_S)
        await _rest(stopping, pause_s)


async def _wait(stopping: asyncio.Event) -> None:
    await stopping.wait()


async def _rest(stopping: asyncio.Event, pause_s: float) -> None:
    try:
        async with asyncio.timeout(pause_s):
            await stopping.wait()
    except TimeoutError:
        return


async def _freeze_at_times(data_dir: Path, stopping: asyncio.Event) -> None:
    await _rest(stopping, FREEZE_AFTER_S)
    while not stopping.is_set():
        frozen = Freeze(node=FROZEN_NODE, frozen=True, reason="demonstration")
        await asyncio.to_thread(command, data_dir, frozen)
        await _rest(stopping, FREEZE_FOR_S)
        await asyncio.to_thread(command, data_dir, Freeze(node=FROZEN_NODE, frozen=False))
        await _rest(stopping, FREEZE_PAUSE_S)


async def _run(setup: TrafficSetup) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    at_end_of_input(lambda: loop.call_soon_threadsafe(stopping.set))
    seen: Counter[str] = Counter()
    callers = make_callers(setup.gateway, setup.keys, setup.seed)
    jobs = [asyncio.create_task(_keep_calling(each, stopping, seen)) for each in callers]
    jobs.append(asyncio.create_task(_freeze_at_times(Path(setup.data_dir), stopping)))
    tell(Tally())
    jobs.append(asyncio.create_task(_wait(stopping)))
    await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
    if stopping.is_set():
        await asyncio.wait(jobs, timeout=STOP_TIMEOUT_S)
    done = [job for job in jobs if job.done()]
    for job in jobs:
        job.cancel()
    for job in done:
        # A caller that ended by itself is a mistake of ours, and raises it here.
        job.result()
    replies = seen.pop("", 0)
    tell(Tally(replies, dict(seen)))


def main() -> None:
    """Call until the demonstration ends."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(read_setup(TrafficSetup)))


if __name__ == "__main__":
    main()
