"""The processes of the demonstration, and how they talk to the one that started them.

A child reads one line of JSON, its set-up, from its standard input; writes lines of JSON to its
standard output, the first when it is ready; and stops at the end of its input, so that none
outlives the demonstration however that ends.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TypeVar

import msgspec

from headgate.units.errors import HeadgateError

READY_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 30.0
READER_TIMEOUT_S = 2.0
LOG_LINES_SHOWN = 12
Shape = TypeVar("Shape")


class DemonstrationError(HeadgateError):
    """A process of the demonstration did not start, or ended by itself."""


class Child:
    """A process of the demonstration.

    Attributes:
        latest: The last line it wrote, None before the first.
    """

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.latest: bytes | None = None
        self._log = log
        self._first: SimpleQueue[bytes] = SimpleQueue()
        command = [sys.executable, "-m", f"headgate.cli.demonstration.{name}"]
        with log.open("ab") as errors:
            # A session of its own: Ctrl-C in the terminal is for the demonstration alone.
            self._process = subprocess.Popen(  # noqa: S603 - our own
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                start_new_session=True,
            )
        self._reader = threading.Thread(target=self._read, name=f"{name}-reader", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if self.latest is None:
                self._first.put(line)
            self.latest = line
        self._first.put(b"")

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def set_up(self, setup: object) -> None:
        """Tell it what to do.

        Raises:
            DemonstrationError: It has ended already.
        """
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(msgspec.json.encode(setup) + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise DemonstrationError(
                f"The {self.name} did not start.{self._last_words()}"
            ) from error

    def ready(self, shape: type[Shape]) -> Shape:
        """Return its first line, once it has written it.

        Raises:
            DemonstrationError: It ended before, or took too long.
        """
        try:
            line = self._first.get(timeout=READY_TIMEOUT_S)
        except Empty:
            line = b""
        if not line:
            raise DemonstrationError(f"The {self.name} did not start.{self._last_words()}")
        return msgspec.json.decode(line, type=shape)

    def require(self) -> None:
        """Check that it still runs.

        Raises:
            DemonstrationError: It has ended.
        """
        if not self.running:
            raise DemonstrationError(f"The {self.name} ended by itself.{self._last_words()}")

    def ask_to_stop(self) -> None:
        """Let it finish what it does, and end."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def stop(self) -> None:
        """Let it finish what it does, and wait for that; end it when it takes too long."""
        self.ask_to_stop()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            sys.stderr.write(f"The {self.name} did not end in {STOP_TIMEOUT_S:.0f} s.\n")
        self.kill()

    def kill(self) -> None:
        """End it and what it started, at once; nothing happens when it has ended."""
        if self.running:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join(READER_TIMEOUT_S)
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def _last_words(self) -> str:
        lines = self._log.read_text("utf-8", "replace").splitlines()[-LOG_LINES_SHOWN:]
        return "".join(f"\n  {line}" for line in lines)


def read_setup(shape: type[Shape]) -> Shape:
    """Return what this child was set up with."""
    return msgspec.json.decode(sys.stdin.buffer.readline(), type=shape)


def at_end_of_input(act: Callable[[], object]) -> None:
    """Call `act`, in a thread, once the demonstration wants this child to stop."""
    # Not through sys.stdin, whose lock a daemon thread would hold when the interpreter ends.
    source = sys.stdin.fileno()

    def wait() -> None:
        while os.read(source, 1024):
            continue
        act()

    threading.Thread(target=wait, name="end-of-input", daemon=True).start()


def tell(message: object) -> None:
    """Write a line of JSON for the demonstration."""
    sys.stdout.buffer.write(msgspec.json.encode(message) + b"\n")
    sys.stdout.buffer.flush()
