"""From the body of a Messages request to a `Call`.

Wire format: the request types of Anthropic's SDK (`anthropic.types`).
"""

import base64
from collections.abc import Iterator
from itertools import chain
from typing import Final

from msgspec import Raw

from headgate.dialects.translation.fields import (
    NO_COUNTERPART,
    Fields,
    TranslationError,
    content_of,
    is_object,
    json_of,
    malformed,
)
from headgate.dialects.translation.parser import Reading, RequestParser, paused, whole
from headgate.records.conversation import (
    Call,
    Choosing,
    Document,
    Effort,
    Foreign,
    Format,
    Image,
    ImageLink,
    Loss,
    Option,
    Part,
    Reasoning,
    RedactedThinking,
    ResultPart,
    Role,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
    Turn,
)
from headgate.units.errors import THREAD_UNSUPPORTED, Refusal

_HINTS: Final = frozenset(
    {"cache_control", "metadata", "service_tier", "diagnostics", "caller", "user_profile_id"}
    | {"eager_input_streaming", "input_examples", "allowed_callers", "defer_loading", "display"}
    | {"context", "workspace_id"}
)
"""Labels, and advice on caches, price and manner: without them the answer is still an answer."""

_FOREIGN: Final = {
    "container": "a container at the provider",
    "mcp_servers": "tools at the provider",
    "fallbacks": "a list of other models",
    "compaction": "a conversation made shorter by the provider",
}
_NO_WISH: Final = {"inference_geo": b'"global"', "speed": b'"standard"'}
"""What says no more than leaving it out."""

_ROLES: Final[dict[str, Role]] = {"user": "user", "assistant": "assistant", "system": "system"}
_CHOICES: Final[dict[str, Choosing]] = {
    "auto": "auto",
    "none": "none",
    "any": "any",
    "tool": "tool",
}
_EFFORTS: Final[dict[str, Effort]] = {
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "max",
}


def parse_call(body: bytes | dict[str, Raw]) -> Call:
    """Read a request, of which the members may be known already.

    Raises:
        TranslationError: A leaf has a type or value that cannot be understood.
    """
    return whole(parsing(body))


def parsing(body: bytes | dict[str, Raw]) -> Reading:
    """Read a request as `parse_call` does, with pauses."""
    return _Parser(Fields(body if isinstance(body, dict) else Raw(body))).reading()


class _Parser(RequestParser):
    """Reads one request; what it finds no place for gathers in `lost`."""

    HINTS = _HINTS

    def reading(self) -> Reading:
        """Read the whole request."""
        fields = self.fields
        self.features()
        model = fields.required("model")
        stream = bool(fields.flag("stream"))
        limit = fields.whole("max_tokens")
        turns = yield from paused(chain(self.system(), self.turns()))
        tools = tuple(self.tools())
        choice, parallel = self.choice()
        reasoning, format_ = self.output()
        options = tuple(self.options())
        self.drop(fields)
        return Call(
            model=model,
            stream=stream,
            output_tokens_max=limit,
            turns=turns,
            tools=tools,
            choice=choice,
            parallel=parallel,
            format=format_,
            reasoning=reasoning,
            foreign=tuple(self.foreign),
            options=options,
            lost=tuple(self.lost),
        )

    def features(self) -> None:
        """Find the features that no other dialect has.

        Raises:
            TranslationError: The client has the provider keep the conversation. It is told so by
                the code that has clients send it whole from then on.
        """
        if self.fields.raw("thread") is not None:
            message = "thread: no deployment that could serve it keeps a thread; send all of it."
            raise TranslationError(Refusal(THREAD_UNSUPPORTED, message, "thread"))
        if self.fields.has(_FOREIGN.keys()):
            for name, what in _FOREIGN.items():
                value = self.fields.raw(name)
                if value is not None and bytes(value) != b"[]":
                    self.foreign.append(Foreign(what, name))
        region = self.fields.raw("inference_geo")
        if region is not None and bytes(region) != _NO_WISH["inference_geo"]:
            self.foreign.append(Foreign("where the answer is computed", "inference_geo"))
        speed = self.fields.raw("speed")
        if speed is not None and bytes(speed) != _NO_WISH["speed"]:
            self.lost.append(Loss("speed", NO_COUNTERPART))

    def options(self) -> Iterator[Option]:
        """Yield what several dialects have."""
        fields = self.fields
        for name in ("temperature", "top_p", "top_k"):
            yield from fields.option(name)
        yield from fields.option("stop_sequences", "stop")
        metadata = fields.object("metadata")
        if metadata is not None:
            yield from metadata.option("user_id", "user")
            self.lost += metadata.rest(frozenset(metadata.names()))

    def output(self) -> tuple[Reasoning | None, Format | None]:
        """Read how much the model is to think, and the form of the answer."""
        effort: Effort | None = None
        form: Format | None = None
        at = ""
        fields = self.fields.object("output_config")
        if fields is not None:
            said = fields.text("effort")
            if said is not None:
                at = fields.place("effort")
                effort = _EFFORTS.get(said)
                if effort is None:
                    raise malformed(at, f"{said[:128]!r} is no effort.")
            form = self.format(fields)
            self.drop(fields)
        thinking = self.fields.object("thinking")
        if thinking is None:
            return (None if effort is None else Reasoning(effort, at=at)), form
        kind = thinking.required("type")
        budget = thinking.whole("budget_tokens")
        if budget is not None and effort is not None:
            place = thinking.place("budget_tokens")
            self.lost.append(Loss(place, "gives way to the effort", hint=True))
            budget = None
        self.drop(thinking)
        if kind not in ("enabled", "adaptive", "disabled"):
            self.lost.append(Loss("thinking", NO_COUNTERPART))
            return (None if effort is None else Reasoning(effort, at=at)), form
        return Reasoning(effort, budget, kind == "disabled", at or "thinking"), form

    def format(self, config: Fields) -> Format | None:
        """Read the form of the answer."""
        fields = config.object("format")
        if fields is None:
            return None
        if fields.required("type") != "json_schema":
            raise malformed(fields.place("type"), "expected json_schema.")
        schema = fields.raw("schema")
        self.drop(fields)
        # What is asked for here is always kept to: the other side's word for it is `strict`.
        strict = Option("strict", Raw(b"true"), fields.at)
        return Format(schema, (strict,), fields.at, fields.place("schema"))

    # Tools.

    def tools(self) -> Iterator[Tool]:
        """Yield the client's tools; one with a type of its own is a feature of the whole call."""
        for fields in self.fields.objects("tools"):
            kind = fields.text("type") or "custom"
            if kind != "custom":
                self.foreign.append(Foreign(f"the built-in tool {kind[:64]!r}", fields.at))
                continue
            yield Tool(
                fields.required("name"),
                fields.text("description"),
                fields.raw("input_schema"),
                fields.option("strict"),
                fields.at,
            )
            self.drop(fields)

    def choice(self) -> tuple[ToolChoice | None, Option | None]:
        """Read which tools must be used, and whether several may be at once."""
        fields = self.fields.object("tool_choice")
        if fields is None:
            return None, None
        kind = _CHOICES.get(fields.required("type"))
        if kind is None:
            raise malformed(fields.place("type"), "expected auto, any, tool or none.")
        name = fields.required("name") if kind == "tool" else None
        single = fields.flag("disable_parallel_tool_use")
        place = fields.place("disable_parallel_tool_use")
        self.drop(fields)
        parallel = None
        if single is not None:
            parallel = Option("parallel", Raw(b"false" if single else b"true"), place)
        return ToolChoice(kind, name, fields.at), parallel

    # Messages.

    def system(self) -> Iterator[Turn]:
        """Yield the system prompt as the turn it is elsewhere."""
        parts = tuple(self.content(self.fields, "system"))
        if parts:
            yield Turn("system", parts, at="system")

    def turns(self) -> Iterator[Turn]:
        """Yield the messages."""
        for fields in self.fields.objects("messages"):
            said = fields.required("role")
            role = _ROLES.get(said)
            if role is None:
                raise malformed(fields.place("role"), f"{said[:128]!r} is no role.")
            parts = tuple(self.content(fields, "content"))
            self.drop(fields)
            yield Turn(role, parts, at=fields.at)

    def content(self, fields: Fields, name: str) -> Iterator[Part]:
        """Yield the blocks of a content; a text alone is a block."""
        value = fields.raw(name)
        if value is None:
            return
        at = fields.place(name)
        said = content_of(value, at, fields.body)
        if isinstance(said, str):
            if said:
                yield Text(said, at)
            return
        for item, place in said:
            yield from self.block(Fields(item, place))

    def block(self, fields: Fields) -> Iterator[Part]:
        """Yield what a block is; nothing for an empty text."""
        kind = fields.required("type")
        at = fields.at
        if kind == "text":
            text = fields.text("text")
            if text:
                yield Text(text, at)
        elif kind == "image":
            yield self.image(fields)
        elif kind == "document":
            yield from self.document(fields)
        elif kind == "tool_use":
            yield self.tool_use(fields)
        elif kind == "tool_result":
            yield self.tool_result(fields)
        elif kind == "thinking":
            yield Thinking(fields.text("thinking") or "", fields.text("signature") or "", at)
        elif kind == "redacted_thinking":
            yield RedactedThinking(fields.required("data"), at)
        else:
            yield Foreign(f"a block of type {kind[:64]!r}", at)
            return
        self.drop(fields)

    def image(self, fields: Fields) -> Image | ImageLink | Foreign:
        """Read an image, by value, address or id."""
        source = fields.object("source")
        if source is None:
            raise malformed(fields.place("source"), "Field required.")
        kind = source.required("type")
        image: Image | ImageLink | Foreign = Foreign("a file by id", fields.at)
        if kind == "base64":
            image = Image(source.required("media_type"), source.required("data"), fields.at)
        elif kind == "url":
            image = ImageLink(source.required("url"), fields.at)
        else:
            return image
        self.drop(source)
        return image

    def document(self, fields: Fields) -> Iterator[Document | Text | Foreign]:
        """Yield a document by value; one that is text already as its bytes."""
        source = fields.object("source")
        if source is None:
            raise malformed(fields.place("source"), "Field required.")
        kind = source.required("type")
        title = fields.text("title")
        if kind not in ("base64", "text"):
            yield Foreign(f"a document by {kind[:64]!r}", fields.at)
            return
        media_type = source.text("media_type") or "text/plain"
        data = source.required("data")
        if kind == "text":
            data = base64.b64encode(data.encode()).decode()
        self.drop(source)
        yield Document(media_type, data, title, fields.at, fields.place("title"))

    def tool_use(self, fields: Fields) -> ToolUse:
        """Read a call of a tool; its arguments stay the JSON text they are."""
        given = fields.raw("input")
        if given is not None and not is_object(given):
            raise malformed(fields.place("input"), "expected an object.")
        arguments = "{}" if given is None else json_of(given, fields.place("input"))
        return ToolUse(fields.required("id"), fields.required("name"), arguments, fields.at)

    def tool_result(self, fields: Fields) -> ToolResult:
        """Read what a tool returned."""
        identity = fields.required("tool_use_id")
        parts: list[ResultPart] = []
        for part in self.content(fields, "content"):
            if isinstance(part, Text | Image | ImageLink | Document | Foreign):
                parts.append(part)
            else:
                raise malformed(part.at, "this block has no place in a tool's result.")
        failed = tuple(
            option
            for option in fields.option("is_error", "failed")
            if bytes(option.value) != b"false"
        )
        return ToolResult(identity, tuple(parts), failed, fields.at)
