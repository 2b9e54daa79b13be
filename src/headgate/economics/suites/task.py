"""A suite: tasks of one's own, each a prompt or a command, and what is a good answer to it."""

import hashlib
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from headgate.units.money import parse_usd

OUTPUT_TOKENS_DEFAULT = 1_024
TIMEOUT_S_DEFAULT = 30
COMMAND_TIMEOUT_S_DEFAULT = 600
TASKS_MAX = 10_000
TEXT_MAX = 1_000_000

Kind = Literal["exact", "contains", "regex", "number", "schema", "command", "judge"]
KINDS: tuple[Kind, ...] = (
    *("exact", "contains", "regex", "number"),
    *("schema", "command", "judge"),
)
Source = Literal["tests", "schema", "command", "judge"]
"""Who says that an answer is good, in the words of `POST /v1/feedback`."""

Text = Annotated[str, Meta(max_length=TEXT_MAX)]
Written = Annotated[str, Meta(min_length=1, max_length=TEXT_MAX)]
Dollars = Annotated[str, Meta(max_length=32)]
Tokens = Annotated[int, Meta(ge=1, le=1_000_000)]


class Check(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is a good answer; one of the first seven.

    Attributes:
        exact: The answer is this, whatever blanks are around it.
        contains: All of these are in it.
        regex: A part of it matches, in Python's syntax.
        number: Its last number is this one, give or take `tolerance`.
        schema: It is JSON of this JSON Schema, perhaps within a Markdown fence.
        command: A program of the user's ends with 0; it reads the answer.
        judge: A rubric: another model says that the answer satisfies it.
        timeout_s: How long the command may take.
    """

    exact: Text | None = None
    contains: list[Written] | None = None
    regex: Written | None = None
    number: Decimal | None = None
    schema: dict[str, Any] | None = None
    command: Annotated[list[Written], Meta(min_length=1)] | None = None
    judge: Written | None = None
    tolerance: Decimal | None = None
    timeout_s: Annotated[int, Meta(ge=1, le=3_600)] = TIMEOUT_S_DEFAULT

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What is asked for; a good suite asks for one."""
        return tuple(kind for kind in KINDS if getattr(self, kind) is not None)

    @property
    def kind(self) -> Kind:
        """The one that is asked for."""
        return self.kinds[0]

    @property
    def source(self) -> Source:
        """Who says so."""
        by: Mapping[Kind, Source] = {"schema": "schema", "command": "command", "judge": "judge"}
        return by.get(self.kind, "tests")


class Task(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A prompt with its check, or a command.

    Attributes:
        id: Names it in results.
        prompt: What is asked; a command reads it from its standard input, and it may be empty.
        check: What is a good answer; None for a command whose exit status is the verdict.
        system: What the model is told before, None for nothing.
        output_tokens_max: Of the answer; None for what the suite says.
        command: A program of the user's that does the task with the candidate, None for a prompt.
        folder: What a command's folder begins as a copy of: a path from the suite's; None: empty.
        environment: Variables of whoever runs the suite that a command has too, by name.
        budget_usd: What a command may cost, dollars as text; None for what the suite says.
        timeout_s: How long a command may take.
    """

    id: Annotated[str, Meta(min_length=1, max_length=64)]
    prompt: Text = ""
    check: Check | None = None
    system: Text | None = None
    output_tokens_max: Tokens | None = None
    command: Annotated[list[Written], Meta(min_length=1)] | None = None
    folder: Written | None = None
    environment: list[Written] = []
    budget_usd: Dollars | None = None
    timeout_s: Annotated[int, Meta(ge=1, le=86_400)] = COMMAND_TIMEOUT_S_DEFAULT

    @property
    def is_judged(self) -> bool:
        """Whether another model says what is a good answer."""
        return self.check is not None and self.check.judge is not None

    @property
    def source(self) -> Source:
        """Who says so."""
        return "command" if self.check is None else self.check.source


class Suite(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tasks, and how they are run unless the command line says otherwise.

    Attributes:
        name: Labels votes and runs.
        models: Candidates: aliases or deployments, as clients ask for them.
        judge: The model that judges, None where no task has a rubric.
        budget_usd: What each command may cost that does not say it, dollars as text.
    """

    tasks: Annotated[list[Task], Meta(min_length=1, max_length=TASKS_MAX)]
    name: Annotated[str, Meta(min_length=1, max_length=32)] = "suite"
    models: list[Written] = []
    judge: Written | None = None
    output_tokens_max: Tokens = OUTPUT_TOKENS_DEFAULT
    budget_usd: Dollars | None = None

    def output_max(self, task: Task) -> int:
        """Return how many tokens an answer may have."""
        return task.output_tokens_max or self.output_tokens_max

    def budget_nanos(self, task: Task) -> int:
        """Return what a task that is a command may cost; a suite that was read says it of each.

        Raises:
            MoneyError: What it says are no dollars.
        """
        told = task.budget_usd or self.budget_usd
        assert told is not None, task.id
        return parse_usd(told)


def fingerprint(suite: Suite, task: Task) -> str:
    """Return what names a task with all that its result depends on, in 16 hex digits.

    A task that was changed is another one, so its old results do not count.
    """
    judge = suite.judge if task.is_judged else None
    budget = suite.budget_usd if task.command is not None else None
    said = msgspec.json.encode((task, suite.output_max(task), judge, budget), order="sorted")
    return hashlib.sha256(said).hexdigest()[:16]
