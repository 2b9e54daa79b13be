"""Computes reports of the economics desk: the command itself, in a process of its own.

So a page shows what the command prints, the steward's loop and its memory are left alone, and a
report that takes too long is ended. One at a time, and beside it one that is long by its nature;
a result is kept while what it was made from stays the same, and not longer than a few minutes, for
the books grow meanwhile.
"""

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from headgate.units.instants import NANOS_PER_SECOND

SECONDS_MAX = 45
"""A report that takes longer is ended, unless its job says otherwise."""
WAIT_S = 20
"""So long a reader waits for the report of another."""
KEEP_S = 300
KEEP_ASSUMED_S = 24 * 3600
"""A report that rests on assumptions alone does not change."""
ENDING_S = 3
"""So long a command may take to clear up once it is to end."""
KEPT_MAX = 8
"""So many reports: one of many users has megabytes."""
NICENESS = 10
"""Calls come first: the child gives way to every process of the node."""
PROGRAM = (sys.executable, "-m", "headgate")
USAGE_FILES = ("usage.db", "usage.db-wal")


class Job(NamedTuple):
    """A report that is asked for.

    Attributes:
        command: The command's name, of one word or two.
        options: Such as `--seed=1`: each one word, so that a value is never an option.
        inputs: What differs from the built-in inputs, by name.
        reads_configuration: Whether the command takes `--config`.
        reads_data: Whether it takes `--data-dir`.
        seconds_max: When it is ended.
    """

    command: str
    options: tuple[str, ...]
    inputs: Mapping[str, str]
    reads_configuration: bool
    reads_data: bool
    seconds_max: int = SECONDS_MAX

    @property
    def is_long(self) -> bool:
        """Whether it may take so long that nobody else should wait for it, or start it unasked."""
        return self.seconds_max > SECONDS_MAX


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
        self._config = config.resolve()
        self._data_dir = data_dir.resolve()
        self._program = program
        self._kept: dict[str, tuple[int, bytes]] = {}
        self._busy = {is_long: asyncio.Lock() for is_long in (False, True)}

    async def make(self, job: Job, now_ns: int) -> bytes:
        """Return a report as the command's JSON, computed now or a short while ago from the same.

        Raises:
            ReportError: The command refuses, takes too long, or another report is in the way.
        """
        if (report := self._young(job, now_ns)) is not None:
            return report
        busy = self._busy[job.is_long]
        try:
            await asyncio.wait_for(busy.acquire(), WAIT_S)
        except TimeoutError:
            raise ReportError("Another report is being computed. Try again soon.") from None
        try:
            # Whoever was waited for may have asked for the same.
            if (report := self._young(job, now_ns)) is not None:
                return report
            key, report = self._key(job), await self._computed(job)
        finally:
            busy.release()
        self._kept.pop(key, None)
        self._kept[key] = now_ns, report
        if len(self._kept) > KEPT_MAX:
            del self._kept[next(iter(self._kept))]
        return report

    def _young(self, job: Job, now_ns: int) -> bytes | None:
        """Return what is kept of a report, None where there is none or it is too old."""
        made_ns, report = self._kept.get(self._key(job), (0, b""))
        keep_s = KEEP_S if job.reads_data or job.reads_configuration else KEEP_ASSUMED_S
        return report if report and now_ns - made_ns < keep_s * NANOS_PER_SECOND else None

    def _key(self, job: Job) -> str:
        """Return the hash of what is asked and of the files it is read from, as they look now."""
        stamps = [_stamp(self._config)] if job.reads_configuration else []
        if job.reads_data:
            stamps += [_stamp(self._data_dir / name) for name in USAGE_FILES]
        told = repr((job.command, job.options, sorted(job.inputs.items()), stamps))
        return hashlib.sha256(told.encode()).hexdigest()

    async def _computed(self, job: Job) -> bytes:
        command = [*self._program, *job.command.split(), *job.options, "--json"]
        command += [f"--config={self._config}"] if job.reads_configuration else []
        command += [f"--data-dir={self._data_dir}"] if job.reads_data else []
        with tempfile.TemporaryDirectory("", "headgate-desk-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            if job.inputs:
                command.append(f"--inputs={_written(folder, job.inputs)}")
            return await _run(command, job.seconds_max, folder)


async def _run(command: Sequence[str], seconds_max: int, folder: Path) -> bytes:
    """Run a command to its end, or for so many seconds; whoever is cancelled ends it.

    What it leaves behind for the time being, keys among it, is in the folder.
    """
    child = await asyncio.create_subprocess_exec(
        *command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TMPDIR": str(folder)},
    )
    try:
        # A short one may have ended already.
        with suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, child.pid, NICENESS)
        out, told = await asyncio.wait_for(child.communicate(), seconds_max)
    except TimeoutError:
        message = f"It takes longer than {seconds_max} s here: run the command itself."
        raise ReportError(message) from None
    finally:
        if child.returncode is None:
            await _end(child)
    if child.returncode:
        raise ReportError(told.decode("utf-8", "replace").strip() or "The command ended badly.")
    return out


async def _end(child: asyncio.subprocess.Process) -> None:
    """End a command as Ctrl-C does, so that it ends what it has started; or else by force."""
    child.send_signal(signal.SIGINT)
    try:
        await asyncio.wait_for(child.wait(), ENDING_S)
    except TimeoutError:
        child.kill()
        await child.wait()


def _written(folder: Path, inputs: Mapping[str, str]) -> Path:
    """Write inputs as the commands read them: a few hundred bytes."""
    path = folder / "inputs.json"
    path.write_bytes(msgspec.json.encode(dict(inputs)))
    return path


def _stamp(path: Path) -> tuple[int, int]:
    """Return what changes when a file does; zeros where there is none."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size
