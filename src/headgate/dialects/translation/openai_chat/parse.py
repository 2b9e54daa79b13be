"""From the body of a Chat Completions request to a `Call`.

Wire format: the request types of OpenAI's SDK (`openai.types.chat`), and `reasoning_content`
as several providers that speak this dialect send it.
"""

from collections.abc import Iterator

from msgspec import Raw

from headgate.dialects.translation.fields import (
    NO_COUNTERPART,
    Fields,
    is_text,
    items_of,
    malformed,
    text_of,
)
from headgate.dialects.translation.openai_words import CHOICES, DATA_URL, EFFORTS, ROLES
from headgate.dialects.translation.parser import RequestParser
from headgate.records.conversation import (
    Call,
    Declined,
    Document,
    Foreign,
    Format,
    Image,
    ImageLink,
    Loss,
    Option,
    Part,
    Reasoning,
    ResultPart,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
    Turn,
)

_HINTS = frozenset(
    {"metadata", "store", "safety_identifier", "service_tier", "prompt_cache_key", "detail"}
    | {"prompt_cache_retention", "prompt_cache_options", "prompt_cache_breakpoint"}
    | {"stream_options", "include_obfuscation", "name", "strict", "moderation"}
)
"""Labels, and advice on caches, price and detail: without them the answer is still an answer."""

_FOREIGN = {
    "audio": "sound",
    "modalities": "an answer that is not text",
    "prediction": "a predicted answer",
    "web_search_options": "a search at the provider",
    "functions": "a function in the old manner (use `tools`)",
    "function_call": "a function in the old manner (use `tools`)",
    "plugins": "a plugin at the provider",
    "models": "a list of other models",
}

_SHARED = (
    *("temperature", "top_p", "top_k", "user"),
    *("seed", "presence_penalty", "frequency_penalty"),
)


def parse_call(body: bytes) -> Call:
    """Read a request.

    Raises:
        TranslationError: A leaf has a type or value that cannot be understood.
    """
    return _Parser(Fields(body)).call()


class _Parser(RequestParser):
    """Reads one request; what it finds no place for gathers in `lost`."""

    HINTS = _HINTS

    def call(self) -> Call:
        """Read the whole request."""
        fields = self.fields
        limits = [fields.whole("max_tokens"), fields.whole("max_completion_tokens")]
        given = [limit for limit in limits if limit is not None]
        stream_options = fields.object("stream_options")
        if stream_options is not None:
            stream_options.flag("include_usage")
            self.drop(stream_options)
        self.features()
        model = fields.required("model")
        stream = bool(fields.flag("stream"))
        turns = tuple(self.turns())
        tools = tuple(self.tools())
        choice, format_, reasoning = self.choice(), self.format(), self.reasoning()
        parallel = next(iter(fields.option("parallel_tool_calls", "parallel")), None)
        options = tuple(self.options())
        self.drop(fields)
        return Call(
            model=model,
            stream=stream,
            output_tokens_max=max(given) if given else None,
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
        """Find the features that no other dialect has."""
        choices = self.fields.whole("n")
        if choices is not None and choices != 1:
            self.foreign.append(Foreign("more than one answer", "n"))
        for name, what in _FOREIGN.items():
            value = self.fields.raw(name)
            if value is not None and bytes(value) not in (b"[]", b'["text"]'):
                self.foreign.append(Foreign(what, name))

    def options(self) -> Iterator[Option]:
        """Yield what several dialects have."""
        fields = self.fields
        for name in _SHARED:
            yield from fields.option(name)
        for option in fields.option("stop"):
            # One stop sequence is as good as a list of one.
            value = Raw(b"[%b]" % option.value) if is_text(option.value) else option.value
            yield Option("stop", value, option.at)

    def reasoning(self) -> Reasoning | None:
        """Read how much the model is to think."""
        said = self.fields.text("reasoning_effort")
        if said is None:
            return None
        effort = EFFORTS.get(said)
        if effort is None:
            raise malformed("reasoning_effort", f"{said[:128]!r} is no effort.")
        return Reasoning(effort, off=effort == "none", at="reasoning_effort")

    def format(self) -> Format | None:
        """Read the form of the answer."""
        fields = self.fields.object("response_format")
        if fields is None:
            return None
        kind = fields.required("type")
        if kind == "text":
            self.drop(fields)
            return None
        if kind == "json_object":
            self.drop(fields)
            return Format(None, at=fields.at)
        if kind != "json_schema":
            raise malformed(fields.place("type"), f"{kind[:128]!r} is no known form.")
        inner = fields.object("json_schema")
        if inner is None:
            raise malformed(fields.place("json_schema"), "Field required.")
        options = (
            *inner.option("name"),
            *inner.option("description"),
            *inner.option("strict"),
        )
        schema = inner.raw("schema")
        self.drop(inner)
        self.drop(fields)
        return Format(schema, options, fields.at, inner.place("schema"))

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
            yield Tool(
                function.required("name"),
                function.text("description"),
                function.raw("parameters"),
                function.option("strict"),
                fields.at,
            )
            self.drop(function)
            self.drop(fields)

    def choice(self) -> ToolChoice | None:
        """Read which tools must be used."""
        value = self.fields.raw("tool_choice")
        if value is None:
            return None
        at = "tool_choice"
        if is_text(value):
            kind = CHOICES.get(text_of(value, at))
            if kind is None:
                raise malformed(at, "expected auto, none, required, or an object.")
            return ToolChoice(kind, at=at)
        fields = Fields(value, at)
        if fields.required("type") == "function":
            function = fields.object("function")
            if function is None:
                raise malformed(fields.place("function"), "Field required.")
            choice = ToolChoice("tool", function.required("name"), at)
            self.drop(function)
            self.drop(fields)
            return choice
        # A list of allowed tools, or a tool with free text: all tools stay allowed.
        self.lost.append(Loss(at, NO_COUNTERPART))
        return None

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
        for part in self.content(fields):
            assert not isinstance(part, Declined | Thinking | ToolUse | ToolResult)
            parts.append(part)
        self.drop(fields)
        return ToolResult(identity, tuple(parts), at=fields.at)

    def turn(self, fields: Fields, said: str) -> Turn:
        """Read a message."""
        role = ROLES.get(said)
        if role is None:
            what = "a function in the old manner (use `tools`)"
            if said == "function":
                return Turn("user", (Foreign(what, fields.at),), at=fields.at)
            raise malformed(fields.place("role"), f"{said[:128]!r} is no role.")
        parts: list[Part] = []
        if role == "assistant":
            for name in ("reasoning_content", "reasoning"):
                thought = fields.text(name)
                if thought:
                    parts.append(Thinking(thought, at=fields.place(name)))
        parts += self.content(fields)
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

    def content(self, fields: Fields) -> Iterator[Text | Image | ImageLink | Document | Foreign]:
        """Yield the parts of a message's content; nothing for an empty one."""
        value = fields.raw("content")
        if value is None:
            return
        at = fields.place("content")
        if is_text(value):
            text = text_of(value, at)
            if text:
                yield Text(text, at)
            return
        for item, place in items_of(value, at):
            yield from self.part(Fields(item, place))

    def part(self, fields: Fields) -> Iterator[Text | Image | ImageLink | Document | Foreign]:
        """Yield one part of a content."""
        kind = fields.required("type")
        if kind in ("text", "refusal"):
            text = fields.text(kind)
            if text:
                yield Text(text, fields.at)
        elif kind == "image_url":
            yield self.image(fields)
        elif kind == "file":
            yield self.file(fields)
        else:
            what = "sound" if kind == "input_audio" else f"a part of type {kind[:64]!r}"
            yield Foreign(what, fields.at)
            return
        self.drop(fields)

    def image(self, fields: Fields) -> Image | ImageLink | Foreign:
        """Read an image, by value or by address."""
        inner = fields.object("image_url")
        url = None if inner is None else inner.text("url")
        if inner is None or url is None:
            raise malformed(fields.place("image_url.url"), "Field required.")
        self.drop(inner)
        if not url.startswith("data:"):
            return ImageLink(url, fields.at)
        found = DATA_URL.match(url)
        if found is None:
            return Foreign("an image that is not in base64", fields.at)
        return Image(found[1], url[found.end() :], fields.at)

    def file(self, fields: Fields) -> Document | Foreign:
        """Read a document by value; one by id is the provider's."""
        inner = fields.object("file")
        data = None if inner is None else inner.text("file_data")
        if inner is None or data is None:
            return Foreign("a file by id", fields.at)
        title = inner.text("filename")
        self.drop(inner)
        found = DATA_URL.match(data)
        if found is None:
            return Foreign("a file that is not in base64", fields.at)
        at = inner.place("filename")
        return Document(found[1], data[found.end() :], title, fields.at, at)
