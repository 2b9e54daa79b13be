"""From the body of a generateContent request to a `Call`.

Wire format: https://ai.google.dev/api/generate-content and the types of the `google-genai` SDK.
The path names the model and says whether to stream, so a call read here has neither.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Final

from msgspec import Raw

from headgate.dialects.translation.fields import NO_COUNTERPART, malformed
from headgate.dialects.translation.gemini.content import ContentReader
from headgate.dialects.translation.gemini.models import EFFORTS
from headgate.dialects.translation.gemini.names import Names
from headgate.dialects.translation.gemini.schema import json_schema
from headgate.dialects.translation.parser import Reading, RequestParser, paused, whole
from headgate.records.conversation import (
    Call,
    Choosing,
    Foreign,
    Format,
    Loss,
    Reasoning,
    Role,
    Tool,
    ToolChoice,
    Turn,
)

_HINTS: Final = frozenset(
    {"labels", "store", "serviceTier", "displayName", "includeThoughts", "mediaResolution"}
    | {"partMetadata", "behavior", "scheduling", "response", "responseJsonSchema"}
    | {"streamFunctionCallArguments", "mediaProcessing", "documentMetadata"}
)
"""Labels, and advice on price, detail and manner: without them the answer is still an answer."""

_OPTIONS: Final = {
    "temperature": "temperature",
    "topP": "top_p",
    "topK": "top_k",
    "seed": "seed",
    "presencePenalty": "presence_penalty",
    "frequencyPenalty": "frequency_penalty",
    "stopSequences": "stop",
}
_FOREIGN: Final = {
    "speechConfig": "an answer that is spoken",
    "imageConfig": "an answer that is an image",
    "translationConfig": "an answer that is a translation of sound",
}
_ROLES: Final[dict[str, Role]] = {"user": "user", "model": "assistant", "function": "user"}
_MODES: Final[dict[str, Choosing]] = {
    "AUTO": "auto",
    "MODE_UNSPECIFIED": "auto",
    "VALIDATED": "auto",
    "ANY": "any",
    "NONE": "none",
}


def parse_call(body: bytes | dict[str, Raw]) -> Call:
    """Read a request, of which the members may be known already.

    Raises:
        TranslationError: A leaf has a type or value that cannot be understood.
    """
    return whole(parsing(body))


def parsing(body: bytes | dict[str, Raw]) -> Reading:
    """Read a request as `parse_call` does, with pauses."""
    return _Parser(Names(body if isinstance(body, dict) else Raw(body))).reading()


class _Parser(RequestParser):
    """Reads one request; what it finds no place for gathers in `lost`."""

    HINTS = _HINTS

    def __init__(self, fields: Names) -> None:
        super().__init__(fields)
        self.body = fields
        self.config = fields.object("generationConfig") or Names({}, "generationConfig")
        self.content = ContentReader(self.drop)

    def reading(self) -> Reading:
        """Read the whole request."""
        config = self.config
        limit = config.whole("maxOutputTokens")
        self.features()
        turns = yield from paused(chain(self.system(), self.turns()))
        tools = tuple(self.tools())
        choice, reasoning, form = self.choice(), self.reasoning(), self.format()
        options = [
            option for name, called in _OPTIONS.items() for option in config.option(name, called)
        ]
        self.drop(config)
        self.drop(self.body)
        return Call(
            model="",
            stream=False,
            output_tokens_max=limit,
            turns=turns,
            tools=tools,
            choice=choice,
            format=form,
            reasoning=reasoning,
            foreign=tuple(self.foreign),
            options=tuple(options),
            lost=tuple(self.lost),
        )

    def features(self) -> None:
        """Find the features that no other dialect has."""
        config = self.config
        choices = config.whole("candidateCount")
        if choices is not None and choices != 1:
            place = config.place("candidateCount")
            self.foreign.append(Foreign("more than one answer", place))
        modalities = config.raw("responseModalities")
        if modalities is not None and bytes(modalities).upper() not in (b"[]", b'["TEXT"]'):
            place = config.place("responseModalities")
            self.foreign.append(Foreign("an answer that is not text", place))
        for name, what in _FOREIGN.items():
            if config.raw(name) is not None:
                self.foreign.append(Foreign(what, config.place(name)))
        if self.body.raw("cachedContent") is not None:
            what = "a prompt that the provider keeps"
            self.foreign.append(Foreign(what, self.body.place("cachedContent")))

    def reasoning(self) -> Reasoning | None:
        """Read how much the model is to think; a budget of -1 leaves it to the model."""
        fields = self.config.object("thinkingConfig")
        if fields is None:
            return None
        budget = fields.whole("thinkingBudget")
        level = fields.text("thinkingLevel")
        self.drop(fields)
        if budget is not None and level is None:
            at = fields.place("thinkingBudget")
            return Reasoning(budget=budget if budget > 0 else None, off=budget == 0, at=at)
        if level is None or level.upper() == "THINKING_LEVEL_UNSPECIFIED":
            return None
        at = fields.place("thinkingLevel")
        effort = EFFORTS.get(level.upper())
        if effort is None:
            raise malformed(at, f"{level[:128]!r} is no level.")
        if budget is not None:
            place = fields.place("thinkingBudget")
            self.lost.append(Loss(place, "gives way to the level", hint=True))
        return Reasoning(effort, at=at)

    def format(self) -> Format | None:
        """Read the form of the answer: JSON by any schema, or by one of two kinds of schema."""
        config = self.config
        kind = (config.text("responseMimeType") or "").lower()
        at = config.place("responseMimeType")
        schema, own = config.raw("responseJsonSchema"), config.raw("responseSchema")
        if kind in ("", "text/plain") and schema is None and own is None:
            return None
        if kind not in ("", "application/json"):
            self.lost.append(Loss(at, NO_COUNTERPART))
        if schema is not None:
            place = config.place("responseJsonSchema")
            if own is not None:
                at = config.place("responseSchema")
                self.lost.append(Loss(at, "gives way to the other schema"))
            return Format(schema, (), place, place)
        if own is not None:
            place = config.place("responseSchema")
            return Format(json_schema(own, place, self.lost), (), place, place)
        return Format(None, at=at) if kind == "application/json" else None

    # Tools.

    def tools(self) -> Iterator[Tool]:
        """Yield the functions; a tool at the provider is a feature of the whole call."""
        for fields in self.body.several("tools"):
            for each in fields.several("functionDeclarations"):
                yield self.tool(each)
            # An empty object switches such a tool on.
            for name in list(fields.names()):
                if fields.raw(name) is not None:
                    self.foreign.append(Foreign("a tool at the provider", fields.place(name)))

    def tool(self, fields: Names) -> Tool:
        """Read a function, its arguments in either kind of schema."""
        name, description = fields.required("name"), fields.text("description")
        schema, own = fields.raw("parametersJsonSchema"), fields.raw("parameters")
        if own is not None:
            place = fields.place("parameters")
            if schema is None:
                schema = json_schema(own, place, self.lost)
            else:
                self.lost.append(Loss(place, "gives way to the other schema"))
        self.drop(fields)
        return Tool(name, description, schema, at=fields.at)

    def choice(self) -> ToolChoice | None:
        """Read which functions must be used."""
        config = self.body.object("toolConfig")
        fields = None if config is None else config.object("functionCallingConfig")
        if config is not None:
            self.drop(config)
        if fields is None:
            return None
        said, at = fields.text("mode"), fields.place("mode")
        allowed = fields.texts("allowedFunctionNames")
        place = fields.place("allowedFunctionNames")
        self.drop(fields)
        kind = _MODES.get((said or "AUTO").upper())
        if kind is None:
            raise malformed(at, f"{(said or '')[:128]!r} is no mode.")
        if kind == "any" and len(allowed) == 1:
            return ToolChoice("tool", allowed[0], place)
        if allowed:
            self.lost.append(Loss(place, NO_COUNTERPART))
        return None if said is None else ToolChoice(kind, at=at)

    # Contents.

    def system(self) -> Iterator[Turn]:
        """Yield the system instruction as the turn it is elsewhere."""
        fields = self.body.object("systemInstruction")
        if fields is None:
            return
        fields.text("role")
        parts = tuple(self.content.parts(fields))
        if parts:
            yield Turn("system", parts, at=fields.at)

    def turns(self) -> Iterator[Turn]:
        """Yield the contents; one without a role is the user's."""
        for fields in self.body.several("contents"):
            said = fields.text("role") or "user"
            role = _ROLES.get(said)
            if role is None:
                raise malformed(fields.place("role"), f"{said[:128]!r} is no role.")
            yield Turn(role, tuple(self.content.parts(fields)), at=fields.at)
