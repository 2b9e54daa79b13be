"""A process of the node, kept alive by the supervisor."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from headgate.node.staying import ASKED, KEPT, TUNABLES

RESTART_S_MIN = 0.05
RESTART_S_MAX = 5.0
YOUNG_S = 1.0
"""A process that dies younger than this is started again more and more slowly."""

HEAPS = {"MALLOC_ARENA_MAX": "2", TUNABLES: f"{ASKED}:{KEPT}"}
"""Read by glibc when a process starts. Without the first each of a process's threads may get a heap
of its own, which keeps what it once had."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Child:
    """A process that is kept alive.

    Attributes:
        inherited: Descriptors that it is handed on, beside the pipe that tells it of our end.
    """

    name: str
    command: Sequence[str]
    inherited: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0
    pause_s: float = RESTART_S_MIN
    due_s: float = 0.0

    def start(self, alive_fd: int) -> None:
        """Start it; where the system has no room for one more now, `keep` tries again."""
        command = [*self.command, "--alive-fd", str(alive_fd)]
        descriptors = (alive_fd, *self.inherited)
        self.started_s = time.monotonic()
        try:
            self.process = subprocess.Popen(  # noqa: S603 - our own
                command, pass_fds=descriptors, env=HEAPS | os.environ
            )
        except OSError as error:
            # Those that run go on meanwhile.
            _log.warning("%s cannot be started: %s", self.name, error)
            self.due_s = self.started_s + RESTART_S_MAX

    def keep(self, alive_fd: int, served: Callable[["Child"], bool]) -> None:
        """Start it again if it has died, with a growing pause while it dies young.

        Args:
            alive_fd: A pipe that tells it of our end.
            served: Tells whether the process that died was of any use: one that was not is young,
                however long its start took.
        """
        now_s = time.monotonic()
        if self.process is not None and self.process.poll() is not None:
            young = now_s - self.started_s < YOUNG_S or not served(self)
            self.pause_s = min(RESTART_S_MAX, self.pause_s * 2) if young else RESTART_S_MIN
            self.due_s = now_s + self.pause_s
            self.process = None
        if self.process is None and now_s >= self.due_s:
            self.start(alive_fd)

    @property
    def lives(self) -> bool:
        """Whether its process runs."""
        return self.process is not None and self.process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self.process is not None:
            self.process.send_signal(number)

    def wait(self, until_s: float) -> None:
        """Wait for its end until a monotonic instant; then kill it."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.1, until_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def python(module: str, *arguments: str) -> tuple[str, ...]:
    """Return the command that runs a module of ours."""
    return (sys.executable, "-m", module, *arguments)
