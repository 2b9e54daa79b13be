"""What a coding agent sends, turn by turn, for the tests of sessions."""

from typing import Any

from tests.gateway.test_caching import words

TOOL = {
    "name": "run",
    "description": "Run a command.",
    "input_schema": {"type": "object", "properties": {"command": {"type": "string"}}},
}
MARK = {"type": "ephemeral"}


class Agent:
    """A conversation that grows as an agent's does.

    Args:
        name: Makes its words its own.
        model: What it asks for.
    """

    def __init__(self, name: str, model: str) -> None:
        self.name, self.model = name, model
        self.said: list[dict[str, Any]] = []
        self._number = 0

    def ask(self, text: str) -> "Agent":
        """The user speaks."""
        self.said.append({"role": "user", "content": [{"type": "text", "text": text}]})
        return self

    def answer(self, text: str) -> "Agent":
        """The model ends its task."""
        self.said.append({"role": "assistant", "content": text})
        return self

    def work(self, rounds: int, *, failing: bool = False) -> "Agent":
        """The model calls a tool some times; while it fails, it tries the same again."""
        for _ in range(rounds):
            self._number += 1
            command = "make" if failing else f"look {self._number}"
            use = {"type": "tool_use", "id": f"toolu_{self._number}", "name": "run"}
            result: dict[str, Any] = {"type": "tool_result", "tool_use_id": use["id"]}
            result["content"] = "broken" if failing else words(f"{self.name}{self._number}", 60)
            if failing:
                result["is_error"] = True
            self.said.append(
                {"role": "assistant", "content": [{**use, "input": {"command": command}}]}
            )
            self.said.append({"role": "user", "content": [result]})
        return self

    def body(self) -> dict[str, Any]:
        """Return the next call: marked, as agents do, behind the head and the last two turns."""
        said = [dict(turn) for turn in self.said]
        users = [turn for turn in said if turn["role"] == "user"]
        for turn in users[-2:]:
            *before, last = turn["content"]
            turn["content"] = [*before, {**last, "cache_control": MARK}]
        head = {"type": "text", "text": words(self.name, 5_000), "cache_control": MARK}
        return {
            "model": self.model,
            "max_tokens": 50,
            "system": [head],
            "tools": [TOOL],
            "messages": said,
            "metadata": {"user_id": f"user-{self.name}"},
        }

    def title(self) -> dict[str, Any]:
        """Return a call beside the work: name the conversation."""
        body = self.body()
        del body["tools"]
        said = [{"role": "user", "content": f"Name it: {self.said[0]['content'][0]['text']}"}]
        return {**body, "max_tokens": 20, "system": "Name conversations.", "messages": said}
