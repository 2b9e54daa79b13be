"""Does tasks that are commands: a program of the user's, in a new folder, on a budget of its own.

Each is a run below the suite's, with a budget carved from it, and reaches the gateway by a relay
that puts its calls on that run. What it cost is what the books say of the run once nothing is held.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from headgate.economics.suites.load_answers import Asker
from headgate.economics.suites.load_program import Ended, beside, run_program
from headgate.economics.suites.load_relay import Guest, Relay
from headgate.economics.suites.task import Suite, Task

SETTLED_TIMEOUT_S = 60
SETTLED_PAUSE_S = 0.2
MODEL, PROMPT, URL = "{model}", "{prompt}", "{url}"
"""What stands in a command's words for the candidate, the task's prompt and the relay."""


class Done(NamedTuple):
    """What a command came to.

    Attributes:
        run: The run that paid.
        guest: What its calls said last.
        cost_nanos: What the run cost; None where that is not settled yet.
        latency_ms: From its start to its end.
    """

    ended: Ended
    run: str
    guest: Guest
    cost_nanos: int | None
    latency_ms: int


class Commands(NamedTuple):
    """What commands are run with.

    Attributes:
        folder: The suite's.
        asker: As whom, and in whose run.
        relay: By which they reach the gateway.
        environment: Names of variables, with `{url}`, `{key}` and `{model}` in their values.
    """

    suite: Suite
    folder: Path
    asker: Asker
    relay: Relay
    environment: Mapping[str, str]

    @contextmanager
    def doing(self, task: Task, model: str, run: str) -> Iterator[tuple[Path, Done]]:
        """Run a task's command; yield the folder that it worked in, and what it came to.

        Args:
            task: One that is a command.
            model: The candidate.
            run: A name that no run has.

        Raises:
            RefusedError: There is no budget for it.
            UnansweredError: There is no gateway.
            OSError: The program cannot be started, or its folder not be copied.
        """
        # What cannot be removed, as files of a container's, is no reason to lose what was paid for.
        folder = tempfile.TemporaryDirectory(prefix="headgate-eval-", ignore_cleanup_errors=True)
        with folder as made:
            place = Path(made) / "work"
            if task.folder is None:
                place.mkdir()
            else:
                shutil.copytree(self.folder / task.folder, place, symlinks=True)
            self.asker.open_child(run, self.suite.budget_nanos(task))
            try:
                done = self._run(task, model, run, place)
            finally:
                self.asker.end_child(run)
            yield place, done

    def _run(self, task: Task, model: str, run: str, place: Path) -> Done:
        with self.relay.guest(run) as (key, guest):
            told = {"url": self.relay.url, "key": key, "model": model}
            environment = {name: value.format(**told) for name, value in self.environment.items()}
            handed_on = {name: os.environ[name] for name in task.environment if name in os.environ}
            began_ns = time.monotonic_ns()
            ended = run_program(
                words_of(task, self.folder, model, self.relay.url),
                task.prompt,
                place=place,
                environment={**handed_on, **environment},
                timeout_s=task.timeout_s,
            )
        took_ms = (time.monotonic_ns() - began_ns) // 1_000_000
        return Done(ended, run, guest, self._settled_nanos(run), took_ms)

    def _settled_nanos(self, run: str) -> int | None:
        """Return what a run cost, once it holds nothing: a call that was cut off is posted late."""
        deadline_s = time.monotonic() + SETTLED_TIMEOUT_S
        while time.monotonic() < deadline_s:
            spent, held = self.asker.standing(run)
            if not held:
                return spent
            time.sleep(SETTLED_PAUSE_S)
        return None


def words_of(task: Task, folder: Path, model: str, url: str) -> list[str]:
    """Return a task's command with all that its marks stand for; only the suite's words are paths.

    Args:
        task: One that is a command.
        folder: The suite's.
        model: The candidate.
        url: That of the relay.
    """
    assert task.command is not None
    return [_said(word, task, model, url) for word in beside(task.command, folder)]


def _said(word: str, task: Task, model: str, url: str) -> str:
    for mark, value in ((MODEL, model), (URL, url), (PROMPT, task.prompt)):
        word = word.replace(mark, value)
    return word
