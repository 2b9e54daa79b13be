"""Computes reports of the economics desk: the command itself, in a process of its own.

So a page shows what the command prints, the steward's loop and its memory are left alone, and a
report that takes too long is ended. One at a time; a result is kept while what it was made from
stays the same, and not longer than a few minutes, for the books grow meanwhile.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import msgspec

from headgate.console.memory import Memory

SECONDS_MAX = 45
"""A report that takes longer is ended."""
WAIT_S = 20
"""So long a reader waits for the report of another."""
KEEP_S = 300
NICENESS = 10
"""Calls come first: the child gives way to every process of the node."""
PROGRAM = (sys.executable, "-m", "headgate.cli.main")
USAGE_FILES = ("usage.db", "usage.db-wal")


class Job(NamedTuple):
    """A report that is asked for.

    Attributes:
        command: The command's name.
        options: Such as `--seed=1`: each one word, so that a value is never an option.
        inputs: What differs from the built-in inputs, by name.
        reads_configuration: Whether the command takes `--config`.
        reads_data: Whether it takes `--data-dir`.
    """

    command: str
    options: tuple[str, ...]
    inputs: Mapping[str, str]
    reads_configuration: bool
    reads_data: bool


class ReportError(Exception):
    """There is no such report; the message is what the command complains of, for people."""


class Workbench:
    """Where reports are made.

    Args:
        config: The configuration file, as it is named to people.
        data_dir: Where the store, the journals and imported usage are.
        program: The command line without its command.
    """

    def __init__(self, config: Path, data_dir: Path, program: Sequence[str] = PROGRAM) -> None:
        self._program = program
        self._config = config.resolve()
        self._data_dir = data_dir.resolve()
        self._memory = Memory()
        self._busy = Lock()

    def make(self, job: Job, now_ns: int) -> bytes:
        """Return a report as the command's JSON, computed now or a short while ago from the same.

        Raises:
            ReportError: The command refuses, takes too long, or another report is in the way.
        """
        kept = KEEP_S if job.reads_data or job.reads_configuration else 24 * 3600
        return self._memory.get(self._key(job), now_ns, kept, lambda: self._alone(job))

    def _key(self, job: Job) -> str:
        """Return the hash of what is asked and of the files it is read from, as they look now."""
        stamps = [_stamp(self._config)] if job.reads_configuration else []
        if job.reads_data:
            stamps += [_stamp(self._data_dir / name) for name in USAGE_FILES]
        told = repr((job.command, job.options, sorted(job.inputs.items()), stamps))
        return hashlib.sha256(told.encode()).hexdigest()

    def _alone(self, job: Job) -> bytes:
        if not self._busy.acquire(timeout=WAIT_S):
            raise ReportError("Another report is being computed. Try again soon.")
        try:
            return self._computed(job)
        finally:
            self._busy.release()

    def _computed(self, job: Job) -> bytes:
        command = [*self._program, job.command, *job.options, "--json"]
        command += [f"--config={self._config}"] if job.reads_configuration else []
        command += [f"--data-dir={self._data_dir}"] if job.reads_data else []
        with tempfile.TemporaryDirectory(prefix="headgate-desk-") as folder:
            if job.inputs:
                inputs = Path(folder, "inputs.json")
                inputs.write_bytes(msgspec.json.encode(dict(job.inputs)))
                command.append(f"--inputs={inputs}")
            return _run(command)


def _run(command: Sequence[str]) -> bytes:
    """Run a command to its end, or to `SECONDS_MAX`."""
    # S603: the words are this program's own, and values are within one word of an option.
    with subprocess.Popen(  # noqa: S603
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        os.setpriority(os.PRIO_PROCESS, child.pid, NICENESS)
        try:
            out, told = child.communicate(timeout=SECONDS_MAX)
        except subprocess.TimeoutExpired:
            child.kill()
            raise ReportError(
                f"It takes longer than {SECONDS_MAX} s here: run the command itself."
            ) from None
    if child.returncode:
        raise ReportError(told.decode("utf-8", "replace").strip() or "The command ended badly.")
    return out


def _stamp(path: Path) -> tuple[int, int]:
    """Return what changes when a file does; zeros where there is none."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size
