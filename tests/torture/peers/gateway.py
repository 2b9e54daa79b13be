"""What a script asks of a gateway, so that another peer is one file."""

import threading
import time
from collections.abc import Callable
from typing import Protocol

from headgate.simulator import Simulator

QUIET_S = 3.0
"""Books that have not moved for so long are settled; the slowest of ours and theirs take one."""
SETTLED_S = 30.0
LOOK_S = 0.25


class Gateway(Protocol):
    """A gateway with one hard limit over all calls, in front of the simulated OpenAI.

    It serves the model `mini` as `gpt-5.4-mini`, at that model's list price.

    Attributes:
        about: Its version and configuration, one sentence.
        keeps_books: Whether it can be asked what was spent.
        key: What clients authenticate with.
        base_url: Where it answers; set once it runs.
    """

    about: str
    keeps_books: bool
    key: str
    base_url: str

    def start(self, simulator: Simulator, limit_nanos: int) -> None:
        """Start with nothing spent, and return when it serves."""

    def spend_nanos(self) -> int:
        """Return what it says was spent under the limit so far, in nano-dollars."""

    def kill(self) -> None:
        """End all its processes by SIGKILL, as a crash of the machine's memory would."""

    def restart(self) -> None:
        """Start again on what a kill has left."""

    def stop(self) -> None:
        """End all its processes; does nothing when none run."""


def until(met: Callable[[], bool], timeout_s: float) -> bool:
    """Wait for a condition; False when it did not come true in time."""
    clock = threading.Event()
    deadline_s = time.monotonic() + timeout_s
    while not met():
        if time.monotonic() > deadline_s:
            return False
        clock.wait(LOOK_S)
    return True


def settled_nanos(gateway: Gateway) -> int:
    """Return what a gateway says was spent, when it has ceased to change."""
    said, since_s = gateway.spend_nanos(), time.monotonic()

    def quiet() -> bool:
        nonlocal said, since_s
        now = gateway.spend_nanos()
        if now != said:
            said, since_s = now, time.monotonic()
        return time.monotonic() - since_s >= QUIET_S

    until(quiet, SETTLED_S)
    return said
