"""Runs a program of the user's on an answer: its exit status is the verdict."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

ANSWER = "answer.txt"
BESIDE = ("./", "../")


def command_says(command: Sequence[str], answer: str, *, timeout_s: int, folder: Path) -> bool:
    """Tell whether a program ends with 0; it is the user's own, and may do what they may.

    It reads the answer from its input, or as `answer.txt` in its folder, which is new and removed
    afterwards. Of the environment it has PATH, LANG, and HOME, which is that folder. A program that
    takes too long is killed with all it started, and the answer is not good.

    Args:
        command: The program and its arguments.
        answer: What the model said.
        timeout_s: How long it may take.
        folder: That of the suite: words that begin with `./` or `../` are paths from there.

    Raises:
        OSError: The program cannot be started.
    """
    beside = [
        str((folder / word).resolve()) if word.startswith(BESIDE) else word for word in command
    ]
    with tempfile.TemporaryDirectory(prefix="headgate-eval-") as place:
        (Path(place) / ANSWER).write_text(answer, "utf-8")
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "HOME": place}
        started = subprocess.Popen(  # noqa: S603 - the user's own
            beside,
            cwd=place,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            started.communicate(answer.encode(), timeout=timeout_s)
        except subprocess.TimeoutExpired:
            return False
        finally:
            _end(started)
        return started.returncode == 0


def _end(started: subprocess.Popen[bytes]) -> None:
    """Kill whatever of a program still runs: its group outlives it when it left something."""
    with suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGKILL)
    started.wait()
