"""From the body of a Chat Completions request to a `Call`.

Wire format: the request types of OpenAI's SDK (`openai.types.chat`), and `reasoning_content`
as several providers that speak this dialect send it.
"""

from collections.abc import Iterator
from typing import Final

from msgspec import Raw

from headgate.dialects.translation.fields import (
    Fields,
    is_text,
    malformed,
)
from headgate.dialects.translation.openai.reading import Content, OpenAIParser
from headgate.dialects.translation.openai.words import CACHE_OPTIONS
from headgate.dialects.translation.parser import Reading, whole
from headgate.records.conversation import (
    Call,
    Declined,
    Document,
    Foreign,
    Format,
    Option,
    Part,
    Reasoning,
    ResultPart,
    Text,
    Thinking,
    Tool,
    ToolResult,
    ToolUse,
    Turn,
)

_HINTS: Final = frozenset(
    {"metadata", "store", "safety_identifier", "service_tier", "detail"}
    | {"prompt_cache_options", "prompt_cache_breakpoint"}
    | {"stream_options", "include_obfuscation", "name", "strict", "moderation"}
)
"""Labels, and advice on caches, price and detail: without them the answer is still an answer."""

_FOREIGN: Final = {
    "audio": "sound",
    "modalities": "an answer that is not text",
    "prediction": "a predicted answer",
    "web_search_options": "a search at the provider",
    "functions": "a function in the old manner (use `tools`)",
    "function_call": "a function in the old manner (use `tools`)",
    "plugins": "a plugin at the provider",
    "models": "a list of other models",
}

_SHARED: Final = (
    *("temperature", "top_p", "top_k", "user"),
    *("seed", "presence_penalty", "frequency_penalty"),
    *CACHE_OPTIONS,
)
_OPTIONS: Final = frozenset({*_SHARED, "stop"})


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
        """Read the client's limit, the larger one of two."""
        one, other = self.fields.whole("max_tokens"), self.fields.whole("max_completion_tokens")
        if one is None or other is None:
            return other if one is None else one
        return max(one, other)

    def features(self) -> None:
        """Find the features that no other dialect has."""
        stream_options = self.fields.object("stream_options")
        if stream_options is not None:
            stream_options.flag("include_usage")
            self.drop(stream_options)
        choices = self.fields.whole("n")
        if choices is not None and choices != 1:
            self.foreign.append(Foreign("more than one answer", "n"))
        if self.fields.has(_FOREIGN.keys()):
            for name, what in _FOREIGN.items():
                value = self.fields.raw(name)
                if value is not None and bytes(value) not in (b"[]", b'["text"]'):
                    self.foreign.append(Foreign(what, name))

    def options(self) -> Iterator[Option]:
        """Yield what several dialects have."""
        fields = self.fields
        if not fields.has(_OPTIONS):
            return
        for name in _SHARED:
            yield from fields.option(name)
        for option in fields.option("stop"):
            # One stop sequence is as good as a list of one.
            value = Raw(b"[%b]" % option.value) if is_text(option.value) else option.value
            yield Option("stop", value, option.at)

    def reasoning(self) -> Reasoning | None:
        """Read how much the model is to think."""
        return self.effort(self.fields, "reasoning_effort")

    def format(self) -> Format | None:
        """Read the form of the answer."""
        fields = self.fields.object("response_format")
        if fields is None:
            return None
        kind, schema = fields.required("type"), fields.object("json_schema")
        form = self.form(fields, kind, schema)
        if schema is not None:
            self.drop(schema)
        self.drop(fields)
        return form

    # Tools.

    def tools(self) -> Iterator[Tool]:
        """Yield the functions; another kind of tool is a feature of the whole call."""
        for fields in self.fields.objects("tools"):
            kind = fields.text("type") or "function"
            function = fields.object("function")
            if kind != "function" or function is None:
                what = "a tool with free text" if kind == "custom" else "a tool at the provider"
                self.foreign.append(Foreign(what, fields.at))
                continue
            yield self.function(function, fields.at)
            self.drop(fields)

    def chosen(self, fields: Fields) -> Fields | None:
        """Return the object in a choice that names the function."""
        return fields.object("function")

    # Messages.

    def turns(self) -> Iterator[Turn]:
        """Yield the messages; results of tools that follow each other are one turn."""
        results: list[ToolResult] = []
        first = ""
        for fields in self.fields.objects("messages"):
            role = fields.required("role")
            if role == "tool":
                first = first or fields.at
                results.append(self.result(fields))
                continue
            if results:
                yield Turn("user", tuple(results), at=first)
                results, first = [], ""
            yield self.turn(fields, role)
        if results:
            yield Turn("user", tuple(results), at=first)

    def result(self, fields: Fields) -> ToolResult:
        """Read what a tool returned."""
        parts: list[ResultPart] = []
        identity = fields.required("tool_call_id")
        parts += self.content(fields, "content")
        self.drop(fields)
        return ToolResult(identity, tuple(parts), at=fields.at)

    def turn(self, fields: Fields, said: str) -> Turn:
        """Read a message."""
        if said == "function":
            return Turn("user", (Foreign(_FOREIGN["functions"], fields.at),), at=fields.at)
        role = self.role(fields, said)
        parts: list[Part] = []
        if role == "assistant":
            for name in ("reasoning_content", "reasoning"):
                thought = fields.text(name)
                if thought:
                    parts.append(Thinking(thought, at=fields.place(name)))
        parts += self.content(fields, "content")
        if role == "assistant":
            parts += self.spoken(fields)
        options = fields.option("name")
        self.drop(fields)
        return Turn(role, tuple(parts), options, fields.at)

    def spoken(self, fields: Fields) -> Iterator[Part]:
        """Yield what only the model says."""
        declined = fields.text("refusal")
        if declined:
            yield Declined(declined, fields.place("refusal"))
        for what, name in (("sound", "audio"), (_FOREIGN["function_call"], "function_call")):
            if fields.raw(name) is not None:
                yield Foreign(what, fields.place(name))
        for call in fields.objects("tool_calls"):
            function = call.object("function")
            if (call.text("type") or "function") != "function" or function is None:
                yield Foreign("a tool with free text", call.at)
                continue
            yield ToolUse(
                call.required("id"),
                function.required("name"),
                function.text("arguments") or "",
                call.at,
            )
            self.drop(function)
            self.drop(call)

    def part(self, fields: Fields) -> Iterator[Content]:
        """Yield one part of a content."""
        kind = fields.required("type")
        if kind in ("text", "refusal"):
            text = fields.text(kind)
            if text:
                yield Text(text, fields.at)
        elif kind == "image_url":
            inner = fields.object("image_url")
            url = None if inner is None else inner.text("url")
            if inner is None or url is None:
                raise malformed(fields.place("image_url.url"), "Field required.")
            self.drop(inner)
            yield self.image(url, fields.at)
        elif kind == "file":
            file = fields.object("file") or Fields({}, fields.at)
            found = self.document(file, fields.at)
            yield found
            if isinstance(found, Document):
                self.drop(file)
        else:
            what = "sound" if kind == "input_audio" else f"a part of type {kind[:64]!r}"
            yield Foreign(what, fields.at)
            return
        self.drop(fields)
