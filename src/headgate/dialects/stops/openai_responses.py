"""Streams of Responses: open items are finished as incomplete, then `response.incomplete`.

The events that finish an item, and the last one, repeat what was said; so this keeps all of it.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import DecodeError, Raw, json

from headgate.dialects.sse import data_of
from headgate.dialects.stops.events import BOUNDARY
from headgate.dialects.stops.written import frame

KIND = "openai_responses"

UNWRITTEN = frame(
    facts=rb"type|sequence_number|item_id|output_index|content_index|summary_index|id|object"
    rb"|status|role|call_id|obfuscation",
    openers=rb"delta|item|part|content|arguments|name|text|annotations|logprobs",
    whole_events=rb"response\.(?:created|queued|in_progress|completed|incomplete|failed)"
    rb"|response\.[\w.]+\.done",
)
"""The first events repeat the request, and the last ones what the deltas have said."""

_ENDS = frozenset({"response.completed", "response.incomplete", "response.failed", "error"})

Item = dict[str, Any]


def thinks(members: Mapping[str, Raw]) -> bool:
    """Tell whether a request says anything of reasoning."""
    reasoning = members.get("reasoning")
    return reasoning is not None and bytes(reasoning) != b"null"


class Stop:
    """Keeps the items of one response, with what was said of each."""

    __slots__ = ("_ended", "_held", "_items", "_open", "_response", "_said", "_sequence")

    def __init__(self) -> None:
        self._held = b""
        self._response: Item = {}
        self._items: dict[int, Item] = {}
        self._open: dict[int, None] = {}
        self._said: dict[tuple[int, int], list[str]] = {}
        self._sequence = 0
        self._ended = False

    def add(self, events: bytes) -> None:
        """Take the next bytes."""
        *whole, self._held = BOUNDARY.split(self._held + events)
        for piece in whole:
            try:
                told = json.decode(data_of(piece) or b"null")
            except (DecodeError, UnicodeDecodeError, RecursionError):
                continue
            if isinstance(told, dict):
                self._take(told)

    def _take(self, told: Item) -> None:
        kind = told.get("type", "")
        self._sequence = max(self._sequence, told.get("sequence_number", 0))
        at = told.get("output_index", 0)
        if kind in ("response.created", "response.in_progress"):
            self._response = told.get("response", {})
        elif kind in ("response.output_item.added", "response.output_item.done"):
            self._items[at] = told.get("item", {})
            if kind.endswith("added"):
                self._open[at] = None
            else:
                self._open.pop(at, None)
        elif kind == "response.content_part.added":
            self._items.get(at, {}).setdefault("content", []).append(told.get("part", {}))
        elif kind.endswith(".delta"):
            place = (at, told.get("content_index", 0))
            self._said.setdefault(place, []).append(str(told.get("delta", "")))
        elif kind in _ENDS:
            self._ended = True

    def close(self, output_tokens: int) -> bytes | None:  # noqa: ARG002 - usage stays unknown
        """Return the events that end the stream as its output limit would."""
        if self._ended:
            return None
        if not self._response:
            return b""
        events = b"".join(map(self._finish, list(self._open)))
        output = [self._items[at] for at in sorted(self._items)]
        reason = {"reason": "max_output_tokens"}
        ended = {"status": "incomplete", "incomplete_details": reason, "output": output}
        response = {**self._response, **ended}
        return events + self._event("response.incomplete", {"response": response})

    def _finish(self, at: int) -> bytes:
        """Return the events that finish an item with what has been said of it."""
        item = self._items[at]
        place = {"item_id": item.get("id", ""), "output_index": at}
        events = b""
        if item.get("type") == "function_call":
            item["arguments"] = self._text(at, 0)
            done = {**place, "arguments": item["arguments"], "name": item.get("name", "")}
            events += self._event("response.function_call_arguments.done", done)
        elif item.get("type") == "custom_tool_call":
            item["input"] = self._text(at, 0)
            done = {**place, "input": item["input"]}
            events += self._event("response.custom_tool_call_input.done", done)
        for number, part in enumerate(item.get("content") or ()):
            refuses = part.get("type") == "refusal"
            name, kind = ("refusal", "refusal") if refuses else ("text", "output_text")
            part[name] = self._text(at, number)
            where = {**place, "content_index": number}
            said = {name: part[name]} if refuses else {name: part[name], "logprobs": []}
            events += self._event(f"response.{kind}.done", {**where, **said})
            events += self._event("response.content_part.done", {**where, "part": part})
        if "status" in item:
            item["status"] = "incomplete"
        return events + self._event("response.output_item.done", {"output_index": at, "item": item})

    def _text(self, at: int, number: int) -> str:
        return "".join(self._said.get((at, number), ()))

    def _event(self, kind: str, fields: Item) -> bytes:
        self._sequence += 1
        told = {"type": kind, "sequence_number": self._sequence, **fields}
        return b"event: %b\ndata: %b\n\n" % (kind.encode(), json.encode(told))
