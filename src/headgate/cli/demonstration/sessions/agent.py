"""A coding agent: a conversation that grows by each command, sent whole with every turn."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import anthropic

from headgate.cli.demonstration.sessions.tasks import FAILURES_MAX, Task, Workspace

HEAD_WORDS = 1_600
"""About 5,000 tokens of instructions: more than every provider's least for a cache."""
HORIZON = "bounded"
"""How long its tasks are, in the words of the gateway: some twenty calls."""
OUTPUT_TOKENS_MAX = 60
MARK = {"type": "ephemeral"}
TOOL = {
    "name": "run",
    "description": "Run a command.",
    "input_schema": {"type": "object", "properties": {"command": {"type": "string"}}},
}


class Turn(NamedTuple):
    """A call that was answered, and by whom."""

    call: str
    deployment: str


class Worked(NamedTuple):
    """What became of a session.

    Attributes:
        solved: How many of its tasks.
    """

    solved: int
    tasks: int
    turns: list[Turn]


class Agent:
    """One session.

    Args:
        client: Speaks to the gateway.
        name: The session's.
        model: The alias it asks for.
    """

    def __init__(self, client: anthropic.Anthropic, name: str, model: str) -> None:
        self._client, self._name, self._model = client, name, model
        self._said: list[dict[str, Any]] = []
        self.turns: list[Turn] = []

    def work(self, tasks: Sequence[Task], before: Callable[[int], None] | None = None) -> Worked:
        """Do the tasks one after another.

        Args:
            tasks: What to do.
            before: Told how many turns were made, before each.

        Raises:
            APIError: A turn was not answered.
        """
        solved = sum(self._do(task, before or (lambda _turns: None)) for task in tasks)
        return Worked(solved, len(tasks), self.turns)

    def _do(self, task: Task, before: Callable[[int], None]) -> bool:
        """Do a task until the model answers; give it up after too many failures."""
        workspace = Workspace(task)
        self._said.append(_user({"type": "text", "text": task.prompt}))
        while True:
            before(len(self.turns))
            gives_up = workspace.failures >= FAILURES_MAX
            content = self._turn(gives_up=gives_up)
            self._said.append({"role": "assistant", "content": content})
            uses = [block for block in content if block["type"] == "tool_use"]
            if not uses:
                return workspace.done
            self._said.append(_user(*(_result(use, workspace) for use in uses)))

    def _turn(self, *, gives_up: bool) -> list[dict[str, Any]]:
        """Make a call; return what the model said. Who gives up wants an answer, and no command."""
        # A plain object, as an agent without the client's types has it.
        asked: dict[str, Any] = {
            "system": [{"type": "text", "text": self._head(), "cache_control": MARK}],
            "tools": [TOOL],
            "tool_choice": {"type": "none" if gives_up else "auto"},
            "messages": _marked(self._said),
        }
        raw = self._client.messages.with_raw_response.create(
            **asked,
            model=self._model,
            max_tokens=OUTPUT_TOKENS_MAX,
            extra_headers={"x-headgate-session": self._name, "x-headgate-horizon": HORIZON},
        )
        headers = raw.headers
        self.turns.append(Turn(headers["x-headgate-call"], headers["x-headgate-deployment"]))
        return [block.model_dump(exclude_none=True) for block in raw.parse().content]

    def _head(self) -> str:
        """Return its instructions, which no other session shares."""
        return " ".join(f"{self._name:_<8}{number:04}" for number in range(HEAD_WORDS))


def _user(*content: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(content)}


def _result(use: dict[str, Any], workspace: Workspace) -> dict[str, Any]:
    told, failed = workspace.run(str(use["input"].get("command")))
    found = {"type": "tool_result", "tool_use_id": use["id"], "content": told}
    return {**found, "is_error": True} if failed else found


def _marked(said: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the conversation, to be kept up to its last two turns, as agents mark it."""
    marked = list(said)
    users = [number for number, turn in enumerate(said) if turn["role"] == "user"]
    for number in users[-2:]:
        *before, last = said[number]["content"]
        marked[number] = {**said[number], "content": [*before, {**last, "cache_control": MARK}]}
    return marked
