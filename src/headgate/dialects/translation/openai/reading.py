"""What the requests of both of OpenAI's dialects say alike, read."""

from abc import abstractmethod
from collections.abc import Iterator

from mypy_extensions import mypyc_attr

from headgate.dialects.translation.fields import (
    NO_COUNTERPART,
    Fields,
    content_of,
    is_text,
    malformed,
    text_of,
)
from headgate.dialects.translation.openai.words import CHOICES, DATA_URL, EFFORTS, ROLES
from headgate.dialects.translation.parser import Reading, RequestParser, paused
from headgate.records.conversation import (
    Call,
    Document,
    Foreign,
    Format,
    Image,
    ImageLink,
    Loss,
    Option,
    Reasoning,
    Role,
    Text,
    Tool,
    ToolChoice,
    Turn,
)

Content = Text | Image | ImageLink | Document | Foreign


@mypyc_attr(allow_interpreted_subclasses=True)
class OpenAIParser(RequestParser):
    """Reads one request; the dialects say where each thing stands."""

    def reading(self) -> Reading:
        """Read the whole request."""
        fields = self.fields
        self.features()
        model, stream, limit = fields.required("model"), fields.flag("stream"), self.limit()
        turns = yield from paused(self.turns())
        tools = tuple(self.tools())
        choice, reasoning, form = self.choice(), self.reasoning(), self.format()
        parallel = next(iter(fields.option("parallel_tool_calls", "parallel")), None)
        options = tuple(self.options())
        self.drop(fields)
        return Call(
            model=model,
            stream=bool(stream),
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

    @abstractmethod
    def features(self) -> None:
        """Find the features that no other dialect has."""

    @abstractmethod
    def limit(self) -> int | None:
        """Read the client's limit, None when it gave none."""

    @abstractmethod
    def turns(self) -> Iterator[Turn]:
        """Yield what was said."""

    @abstractmethod
    def tools(self) -> Iterator[Tool]:
        """Yield the functions."""

    @abstractmethod
    def reasoning(self) -> Reasoning | None:
        """Read how much the model is to think."""

    @abstractmethod
    def format(self) -> Format | None:
        """Read the form of the answer."""

    @abstractmethod
    def options(self) -> Iterator[Option]:
        """Yield what several dialects have."""

    @abstractmethod
    def chosen(self, fields: Fields) -> Fields | None:
        """Return the object in a choice that names the function, None when there is none."""

    @abstractmethod
    def part(self, fields: Fields) -> Iterator[Content]:
        """Yield one part of a content."""

    # What they share.

    def effort(self, fields: Fields, name: str) -> Reasoning | None:
        """Read an effort in words."""
        said, at = fields.text(name), fields.place(name)
        if said is None:
            return None
        effort = EFFORTS.get(said)
        if effort is None:
            raise malformed(at, f"{said[:128]!r} is no effort.")
        return Reasoning(effort, off=effort == "none", at=at)

    def form(self, fields: Fields, kind: str, schema: Fields | None) -> Format | None:
        """Read a form of the answer; `schema` is the object that says which schema, if any."""
        if kind == "text":
            return None
        if kind == "json_object":
            return Format(None, at=fields.at)
        if kind != "json_schema":
            raise malformed(fields.place("type"), f"{kind[:128]!r} is no known form.")
        if schema is None:
            raise malformed(fields.place("json_schema"), "Field required.")
        names = ("name", "description", "strict")
        options = tuple(option for name in names for option in schema.option(name))
        return Format(schema.raw("schema"), options, fields.at, schema.place("schema"))

    def function(self, fields: Fields, at: str) -> Tool:
        """Read a function that the model may call."""
        tool = Tool(
            fields.required("name"),
            fields.text("description"),
            fields.raw("parameters"),
            fields.option("strict"),
            at,
        )
        self.drop(fields)
        return tool

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
        if fields.required("type") != "function":
            # A list of allowed tools, or a tool with free text: all tools stay allowed.
            self.lost.append(Loss(at, NO_COUNTERPART))
            return None
        function = self.chosen(fields)
        if function is None:
            raise malformed(fields.place("function"), "Field required.")
        choice = ToolChoice("tool", function.required("name"), at)
        self.drop(function)
        if function is not fields:
            self.drop(fields)
        return choice

    def role(self, fields: Fields, said: str) -> Role:
        """Return whose turn a message is."""
        role = ROLES.get(said)
        if role is None:
            raise malformed(fields.place("role"), f"{said[:128]!r} is no role.")
        return role

    def content(self, fields: Fields, name: str) -> Iterator[Content]:
        """Yield the parts of a content; a text alone is one, an empty one is none."""
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
            yield from self.part(Fields(item, place))

    def image(self, url: str, at: str) -> Image | ImageLink | Foreign:
        """Return an image, by value or by address."""
        if not url.startswith("data:"):
            return ImageLink(url, at)
        found = DATA_URL.match(url)
        if found is None:
            return Foreign("an image that is not in base64", at)
        return Image(found[1], url[found.end() :], at)

    def document(self, fields: Fields, at: str) -> Document | Foreign:
        """Return a document by value; what is by id or by address is the provider's."""
        data = fields.text("file_data")
        if data is None:
            return Foreign("a file by id or address", at)
        found = DATA_URL.match(data)
        if found is None:
            return Foreign("a file that is not in base64", at)
        title, place = fields.text("filename"), fields.place("filename")
        return Document(found[1], data[found.end() :], title, at, place)
