"""Runs a program of the user's on an answer: its exit status is the verdict."""

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from headgate.economics.suites.load_program import beside, run_program

ANSWER = "answer.txt"


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
    with tempfile.TemporaryDirectory(prefix="headgate-eval-") as place:
        words = beside(command, folder)
        return says_in(Path(place), words, answer, timeout_s=timeout_s)


def says_in(place: Path, command: Sequence[str], answer: str, *, timeout_s: int) -> bool:
    """Tell the same of a program in a folder that is there, where a task has left its work.

    Raises:
        OSError: The program cannot be started.
    """
    _write(place / ANSWER, answer)
    ended = run_program(command, answer, place=place, environment={}, timeout_s=timeout_s)
    return ended.status == 0


def _write(path: Path, text: str) -> None:
    """Write a file in place of whatever is there: a link would have another file written."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
