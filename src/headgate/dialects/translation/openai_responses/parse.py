"""From the body of a Responses request to a `Call`.

Wire format: the request types of OpenAI's SDK (`openai.types.responses`).
"""

from collections.abc import Iterator
from typing import Final

from msgspec import Raw

from headgate.dialects.translation.fields import (
    NO_COUNTERPART,
    Fields,
    is_text,
    objects_of,
    text_of,
)
from headgate.dialects.translation.openai.reading import Content, OpenAIParser
from headgate.dialects.translation.openai.words import CACHE_OPTIONS
from headgate.dialects.translation.parser import Reading, whole
from headgate.records.conversation import (
    Call,
    Foreign,
    Format,
    Loss,
    Option,
    Part,
    Reasoning,
    ResultPart,
    Role,
    Text,
    Thinking,
    Tool,
    ToolResult,
    ToolUse,
    Turn,
)

_HINTS: Final = frozenset(
    {"metadata", "store", "safety_identifier", "service_tier", "detail"}
    | {"prompt_cache_options", "prompt_cache_breakpoint", "include"}
    | {"stream_options", "moderation", "client_metadata", "summary", "generate_summary", "caller"}
    | {"id", "status", "phase", "annotations", "logprobs", "defer_loading", "allowed_callers"}
    | {"output_schema", "access_programs", "image"}
)
"""Labels, and advice on caches, price and manner: without them the answer is still an answer."""

_FOREIGN: Final = {
    "previous_response_id": "an answer that the provider keeps",
    "conversation": "a conversation that the provider keeps",
    "prompt": "a prompt that the provider keeps",
    "background": "an answer in the background",
    "context_management": "a conversation made shorter by the provider",
}
_TEXTS: Final = {"input_text": "text", "output_text": "text", "text": "text", "refusal": "refusal"}


def parse_call(body: bytes | dict[str, Raw]) -> Call:
    """Read a request, of which the members may be known already.

    Raises:
        TranslationError: A leaf has a type or value that cannot be understood.
    """
    return whole(parsing(body))


def parsing(body: bytes | dict[str, Raw]) -> Reading:
    """Read a request as `parse_call` does, with pauses."""
    return _Parser(Fields(body if isinstance(body, dict) else Raw(body))).reading()


class _Parser(OpenAIParser):
    """Reads one request; what it finds no place for gathers in `lost`."""

    HINTS = _HINTS

    def limit(self) -> int | None:
        """Read the client's limit."""
        return self.fields.whole("max_output_tokens")

    def features(self) -> None:
        """Find the features that no other dialect has."""
        for name, what in _FOREIGN.items():
            value = self.fields.raw(name)
            if value is not None and bytes(value) not in (b"false", b"[]"):
                self.foreign.append(Foreign(what, name))
        truncation = self.fields.text("truncation")
        if truncation not in (None, "disabled"):
            self.lost.append(Loss("truncation", NO_COUNTERPART))

    def options(self) -> Iterator[Option]:
        """Yield what several dialects have."""
        for name in ("temperature", "top_p", "user", *CACHE_OPTIONS):
            yield from self.fields.option(name)

    def reasoning(self) -> Reasoning | None:
        """Read how much the model is to think."""
        fields = self.fields.object("reasoning")
        if fields is None:
            return None
        asked = self.effort(fields, "effort")
        self.drop(fields)
        return asked

    def format(self) -> Format | None:
        """Read the form of the answer."""
        text = self.fields.object("text")
        fields = None if text is None else text.object("format")
        if text is not None:
            self.drop(text)
        if fields is None:
            return None
        form = self.form(fields, fields.required("type"), fields)
        self.drop(fields)
        return form

    # Tools.

    def tools(self) -> Iterator[Tool]:
        """Yield the functions.

        Agents offer the provider's own tools unasked: beside functions they are left out and
        named; without any they are what the call is about.
        """
        found: list[Tool] = []
        others: list[Foreign] = []
        for fields in self.fields.objects("tools"):
            kind = fields.text("type") or "function"
            if kind != "function":
                others.append(Foreign(f"a tool of type {kind[:64]!r}", fields.at))
                continue
            found.append(self.function(fields, fields.at))
        if found:
            self.lost += (Loss(each.at, f"is {each.what}, not to be had there") for each in others)
        else:
            self.foreign += others
        yield from found

    def chosen(self, fields: Fields) -> Fields | None:
        """Return the choice itself, which names the function."""
        return fields

    # Items.

    def turns(self) -> Iterator[Turn]:
        """Yield the instructions as the turn they are elsewhere, and what was said."""
        instructions = tuple(self.content(self.fields, "instructions"))
        if instructions:
            yield Turn("system", instructions, at="instructions")
        yield from self.spoken()

    def spoken(self) -> Iterator[Turn]:
        """Yield the items of the input: those of one side that follow each other are one turn."""
        value = self.fields.raw("input")
        if value is None:
            return
        if is_text(value):
            text = text_of(value, "input")
            if text:
                yield Turn("user", (Text(text, "input"),), at="input")
            return
        role: Role | None = None
        parts: list[Part] = []
        first = ""
        body = self.fields.body
        for item, at in objects_of(value, "input", body):
            fields = Fields(item, at, body)
            next_role, more = self.item(fields)
            if role is not None and (next_role != role or role in ("system", "developer")):
                yield Turn(role, tuple(parts), at=first)
                parts, role = [], None
            if role is None:
                role, first = next_role, at
            parts += more
        if role is not None:
            yield Turn(role, tuple(parts), at=first)

    def item(self, fields: Fields) -> tuple[Role, list[Part]]:
        """Return whose turn an item belongs to, and its parts."""
        kind = fields.text("type") or "message"
        at = fields.at
        role: Role = "assistant"
        parts: list[Part]
        if kind == "message":
            role = self.role(fields, fields.required("role"))
            parts = list(self.content(fields, "content"))
        elif kind == "function_call":
            identity, name = fields.required("call_id"), fields.required("name")
            parts = [ToolUse(identity, name, fields.text("arguments") or "", at)]
        elif kind == "function_call_output":
            role, parts = "user", [self.output(fields)]
        elif kind == "reasoning":
            parts = [self.thought(fields)]
            return role, parts
        else:
            return role, [Foreign(f"an item of type {kind[:64]!r}", at)]
        self.drop(fields)
        return role, parts

    def thought(self, fields: Fields) -> Thinking:
        """Read a reasoning item: what is encrypted in it counts as its signature."""
        texts = [
            each.text("text") or ""
            for name in ("summary", "content")
            for each in fields.objects(name)
        ]
        return Thinking("\n\n".join(texts), fields.text("encrypted_content") or "", fields.at)

    def output(self, fields: Fields) -> ToolResult:
        """Read what a tool returned."""
        identity = fields.required("call_id")
        parts: tuple[ResultPart, ...] = tuple(self.content(fields, "output"))
        return ToolResult(identity, parts, at=fields.at)

    def part(self, fields: Fields) -> Iterator[Content]:
        """Yield one part of a content; nothing for an empty text."""
        kind, at = fields.required("type"), fields.at
        if kind in _TEXTS:
            text = fields.text(_TEXTS[kind])
            if text:
                yield Text(text, at)
        elif kind == "input_image":
            url = fields.text("image_url")
            yield Foreign("a file by id", at) if url is None else self.image(url, at)
        elif kind == "input_file":
            yield self.document(fields, at)
        else:
            yield Foreign(f"a part of type {kind[:64]!r}", at)
            return
        self.drop(fields)
