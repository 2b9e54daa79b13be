"""From the body of a Responses request to a `Call`.

Wire format: the request types of OpenAI's SDK (`openai.types.responses`).
"""

from collections.abc import Iterator

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
    Role,
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
    | {"prompt_cache_retention", "prompt_cache_options", "prompt_cache_breakpoint", "include"}
    | {"stream_options", "moderation", "client_metadata", "summary", "generate_summary", "caller"}
    | {"id", "status", "phase", "annotations", "logprobs", "defer_loading", "allowed_callers"}
    | {"output_schema", "access_programs", "image"}
)
"""Labels, and advice on caches, price and manner: without them the answer is still an answer."""

_FOREIGN = {
    "previous_response_id": "an answer that the provider keeps",
    "conversation": "a conversation that the provider keeps",
    "prompt": "a prompt that the provider keeps",
    "background": "an answer in the background",
    "context_management": "a conversation made shorter by the provider",
}
_TEXTS = {"input_text": "text", "output_text": "text", "text": "text", "refusal": "refusal"}


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
        self.features()
        model = fields.required("model")
        stream = bool(fields.flag("stream"))
        limit = fields.whole("max_output_tokens")
        turns = (*self.instructions(), *self.turns())
        tools = self.tools()
        choice, reasoning, form = self.choice(), self.reasoning(), self.format()
        parallel = next(iter(fields.option("parallel_tool_calls", "parallel")), None)
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
            format=form,
            reasoning=reasoning,
            foreign=tuple(self.foreign),
            options=options,
            lost=tuple(self.lost),
        )

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
        for name in ("temperature", "top_p", "user"):
            yield from self.fields.option(name)

    def reasoning(self) -> Reasoning | None:
        """Read how much the model is to think."""
        fields = self.fields.object("reasoning")
        if fields is None:
            return None
        said = fields.text("effort")
        self.drop(fields)
        if said is None:
            return None
        effort = EFFORTS.get(said)
        if effort is None:
            raise malformed(fields.place("effort"), f"{said[:128]!r} is no effort.")
        return Reasoning(effort, off=effort == "none", at=fields.place("effort"))

    def format(self) -> Format | None:
        """Read the form of the answer."""
        text = self.fields.object("text")
        fields = None if text is None else text.object("format")
        if text is None:
            return None
        self.drop(text)
        if fields is None:
            return None
        kind = fields.required("type")
        form: Format | None = None
        if kind == "json_object":
            form = Format(None, at=fields.at)
        elif kind == "json_schema":
            options = (
                *fields.option("name"),
                *fields.option("description"),
                *fields.option("strict"),
            )
            form = Format(fields.raw("schema"), options, fields.at, fields.place("schema"))
        elif kind != "text":
            raise malformed(fields.place("type"), f"{kind[:128]!r} is no known form.")
        self.drop(fields)
        return form

    # Tools.

    def tools(self) -> tuple[Tool, ...]:
        """Return the functions.

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
            found.append(
                Tool(
                    fields.required("name"),
                    fields.text("description"),
                    fields.raw("parameters"),
                    fields.option("strict"),
                    fields.at,
                )
            )
            self.drop(fields)
        if found:
            self.lost += (Loss(each.at, f"is {each.what}, not to be had there") for each in others)
        else:
            self.foreign += others
        return tuple(found)

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
            choice = ToolChoice("tool", fields.required("name"), at)
            self.drop(fields)
            return choice
        self.lost.append(Loss(at, NO_COUNTERPART))
        return None

    # Items.

    def instructions(self) -> Iterator[Turn]:
        """Yield the instructions as the turn they are elsewhere."""
        parts = tuple(self.content(self.fields, "instructions"))
        if parts:
            yield Turn("system", parts, at="instructions")

    def turns(self) -> Iterator[Turn]:
        """Yield the turns: items of one side that follow each other are one."""
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
        for item, at in items_of(value, "input"):
            fields = Fields(item, at)
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
            said = fields.required("role")
            found = ROLES.get(said)
            if found is None:
                raise malformed(fields.place("role"), f"{said[:128]!r} is no role.")
            role, parts = found, list(self.content(fields, "content"))
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

    def content(
        self, fields: Fields, name: str
    ) -> Iterator[Text | Image | ImageLink | Document | Foreign]:
        """Yield the parts of a content; a text alone is one, an empty one is none."""
        value = fields.raw(name)
        if value is None:
            return
        at = fields.place(name)
        if is_text(value):
            text = text_of(value, at)
            if text:
                yield Text(text, at)
            return
        for item, place in items_of(value, at):
            part = Fields(item, place)
            kind = part.required("type")
            if kind in _TEXTS:
                text = part.text(_TEXTS[kind]) or ""
                if text:
                    yield Text(text, place)
            elif kind == "input_image":
                yield self.image(part)
            elif kind == "input_file":
                yield self.file(part)
            else:
                yield Foreign(f"a part of type {kind[:64]!r}", place)
                continue
            self.drop(part)

    def image(self, fields: Fields) -> Image | ImageLink | Foreign:
        """Read an image, by value or by address."""
        url = fields.text("image_url")
        if url is None:
            return Foreign("a file by id", fields.at)
        if not url.startswith("data:"):
            return ImageLink(url, fields.at)
        found = DATA_URL.match(url)
        if found is None:
            return Foreign("an image that is not in base64", fields.at)
        return Image(found[1], url[found.end() :], fields.at)

    def file(self, fields: Fields) -> Document | Foreign:
        """Read a document by value."""
        data = fields.text("file_data")
        found = None if data is None else DATA_URL.match(data)
        if data is None or found is None:
            return Foreign("a file by id or address", fields.at)
        title, at = fields.text("filename"), fields.place("filename")
        return Document(found[1], data[found.end() :], title, fields.at, at)
