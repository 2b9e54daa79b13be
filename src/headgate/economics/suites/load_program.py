"""Runs a program of the user's in a folder: bounded in time, alone, and ended with all it began."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NamedTuple

BESIDE = ("./", "../")
OUTPUT_BYTES_MAX = 1_000_000
COMPLAINT_BYTES_MAX = 500


class Ended(NamedTuple):
    """How a program ended.

    Attributes:
        status: Its exit status, negative for a signal; None when it took too long.
        output: What it wrote to its standard output, the last of it.
        complaint: The last line that it wrote to its standard error.
    """

    status: int | None
    output: str
    complaint: str = ""

    @property
    def trouble(self) -> str:
        """How it ended badly, in words; empty where it did not."""
        if self.status == 0:
            return ""
        ended = "took too long" if self.status is None else f"ended with {self.status}"
        return f"{ended}: {self.complaint}" if self.complaint else ended


def run_program(
    command: Sequence[str],
    said: str,
    *,
    place: Path,
    environment: Mapping[str, str],
    timeout_s: int,
) -> Ended:
    """Run a program; it is the user's own, and may do what they may.

    Args:
        command: The program and its arguments; no shell is between.
        said: What it reads from its standard input.
        place: Its folder, and its HOME unless the environment says otherwise.
        environment: What it has beside PATH and LANG.
        timeout_s: After so many seconds it is killed, with all it began.

    Raises:
        OSError: It cannot be started.
    """
    usual = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "HOME": str(place)}
    with TemporaryFile() as output, TemporaryFile() as complaints:
        started = subprocess.Popen(  # noqa: S603 - the user's own
            list(command),
            cwd=place,
            env={**usual, **environment},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=complaints,
            start_new_session=True,
        )
        status: int | None = None
        try:
            started.communicate(said.encode(), timeout=timeout_s)
            status = started.returncode
        except subprocess.TimeoutExpired:
            pass
        finally:
            _end(started)
        complained = _tail(complaints, COMPLAINT_BYTES_MAX).strip().splitlines()
        return Ended(status, _tail(output, OUTPUT_BYTES_MAX), complained[-1] if complained else "")


def beside(command: Sequence[str], folder: Path) -> list[str]:
    """Return a command whose words that begin with `./` or `../` are paths from a folder."""
    return [str((folder / word).resolve()) if word.startswith(BESIDE) else word for word in command]


def _tail(file: IO[bytes], bytes_max: int) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - bytes_max))
    return file.read().decode("utf-8", "replace")


def _end(started: subprocess.Popen[bytes]) -> None:
    """Kill whatever of a program still runs: its group outlives it when it left something."""
    with suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGKILL)
    started.wait()
