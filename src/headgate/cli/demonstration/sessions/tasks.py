"""Tasks with a check: how hard each is follows from a seed, and a workspace says what was done."""

import random
from dataclasses import dataclass, field
from typing import NamedTuple

PARTS = 19
FAILURES_MAX = 8
"""An agent that failed so often gives a task up."""
HARD_MAX = 100
RESULT_WORDS = 40


class Task(NamedTuple):
    """A task of some parts, each made by a command.

    Attributes:
        hard: 0 to 100; models of less skill do not get it right.
    """

    number: int
    hard: int

    @property
    def prompt(self) -> str:
        """What the user says. The marks steer the simulated model as far as its skill goes."""
        acts = [f'[tool:run {{"command": "{self.command(part)}"}}]' for part in range(PARTS)]
        script = " [then] ".join([*acts, '[say "All parts are made."]'])
        return f"Task {self.number}: make its {PARTS} parts. [sim:hard={self.hard}] {script}"

    def command(self, part: int) -> str:
        """Return the command that makes a part."""
        return f"make task-{self.number}/part-{part}"


def tasks_of(seed: int, count: int) -> list[Task]:
    """Return so many tasks, of all degrees evenly, in an order that follows from the seed."""
    step = HARD_MAX // count
    hard = [step * number + step // 2 for number in range(count)]
    random.Random(seed).shuffle(hard)  # noqa: S311 - repeatable, not a secret
    return [Task(number, each) for number, each in enumerate(hard)]


def questions_of(seed: int, count: int) -> list[tuple[str, str]]:
    """Return so many small tasks, each as a prompt and its one good answer."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not a secret
    return [
        (
            f'Work out {number}. [sim:hard={chance.randrange(HARD_MAX) + 1}] [say "{number}!"]',
            f"{number}!",
        )
        for number in range(count)
    ]


@dataclass(slots=True)
class Workspace:
    """What a task's commands have made so far."""

    task: Task
    made: int = 0
    failures: int = 0
    words: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - as above

    @property
    def done(self) -> bool:
        """Whether all parts are made."""
        return self.made == PARTS

    def run(self, command: str) -> tuple[str, bool]:
        """Run a command; return what it prints, and whether it failed."""
        if self.done or command != self.task.command(self.made):
            self.failures += 1
            return f"run: {command!r}: no such target", True
        self.made += 1
        told = " ".join(f"{self.words.randrange(10**6)}" for _ in range(RESULT_WORDS))
        return f"part {self.made} of {PARTS}: {told}", False
