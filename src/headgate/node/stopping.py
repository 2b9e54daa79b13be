"""How a process of the node is told to stop, or a worker to make room for its successor."""

import asyncio
import signal
import sys
from collections.abc import Sized

DRAIN_S = 60
RETIRE = signal.SIGUSR1
"""Tells a worker that its successor takes the calls: it takes no more, and ends with its last."""
HURRY = signal.SIGUSR2
"""Tells a worker to end now: running calls are not waited for."""
ECHO_S = 0.5
"""Who is told to stop again within this time is told once: some programs pass a signal on twice."""


def stop_event(alive_fd: int, hurry: asyncio.Event | None = None) -> asyncio.Event:
    """Return an event that is set by SIGTERM, or by the death of the supervisor.

    Args:
        alive_fd: A pipe that ends with the supervisor; -1 for none.
        hurry: Set by `HURRY`, or by SIGTERM again; None for a process that needs no hurry.
    """
    loop = asyncio.get_running_loop()
    stop, told_s = asyncio.Event(), 0.0

    def told() -> None:
        nonlocal told_s
        if hurry is not None and told_s and loop.time() - told_s > ECHO_S:
            hurry.set()
        told_s = told_s or loop.time()
        stop.set()

    def hurried() -> None:
        stop.set()
        if hurry is not None:
            hurry.set()

    loop.add_signal_handler(signal.SIGTERM, told)
    loop.add_signal_handler(HURRY, hurried)
    # A terminal tells the whole group; what they mean is the supervisor's to say.
    for number in (signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, lambda: None)
    if alive_fd >= 0:

        def supervisor_ended() -> None:
            loop.remove_reader(alive_fd)
            stop.set()

        loop.add_reader(alive_fd, supervisor_ended)
    return stop


def retire_event() -> asyncio.Event:
    """Return an event that is set when a worker is told to retire."""
    retire = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(RETIRE, retire.set)
    return retire


def end_with(task: asyncio.Task[None], stop: asyncio.Event, what: str) -> None:
    """Have this process stop when something fails that it cannot do without.

    Args:
        task: Does it, all the time; who has stopped finds the error in it.
        stop: Set when the process shall stop.
        what: Its name, for the log.
    """

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            sys.stderr.write(f"headgate worker: {what} has failed ({error!r}); it ends.\n")
            stop.set()

    task.add_done_callback(ended)


async def first_of(*events: asyncio.Event) -> None:
    """Wait until one of some events is set."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()


async def outlive(workers: Sized) -> None:
    """Wait until every worker has hung up, within bounds."""
    for _ in range(DRAIN_S * 20):
        if not workers:
            break
        await asyncio.sleep(0.05)
