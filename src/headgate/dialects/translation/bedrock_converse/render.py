"""From a `Call` to the body of a Converse request.

Wire format: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html.
The model stands in the path, and so does whether to stream.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from msgspec import Raw, json

from headgate.dialects.bounds import IMAGE_TOKENS_MAX_ANY
from headgate.dialects.translation.bedrock_converse.models import thinking_fields
from headgate.dialects.translation.fields import UNREADABLE, json_of, malformed, unsupported
from headgate.dialects.translation.losses import Losses
from headgate.dialects.translation.parts import arguments, require_sayable
from headgate.dialects.translation.written import Written, asked, written
from headgate.records.conversation import (
    Call,
    Declined,
    Document,
    Effort,
    Foreign,
    Format,
    Image,
    ImageLink,
    Option,
    Part,
    RedactedThinking,
    Text,
    Thinking,
    ToolChoice,
    ToolResult,
    ToolUse,
    Turn,
)
from headgate.records.demand import Edit

IMAGES: Final = {"image/png": "png", "image/jpeg": "jpeg", "image/gif": "gif", "image/webp": "webp"}
DOCUMENTS: Final = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "text/html": "html",
    "text/markdown": "md",
    "text/plain": "txt",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}
TOOL_ID_CHARS_MAX: Final = 64
NAME_CHARS_MAX: Final = 200

_SAMPLING: Final = {"temperature": "temperature", "top_p": "topP", "stop": "stopSequences"}
_NOTHING: Final = Raw(b'{"type":"object","properties":{}}')
_NOT_IN_IDS: Final = re.compile(r"[^a-zA-Z0-9_.:-]")
_NOT_IN_NAMES: Final = re.compile(r"[^a-zA-Z0-9\-()\[\]]+")

Block = dict[str, Any]


def render_call(call: Call, edit: Edit, losses: Losses) -> Written:
    """Render a request with the limit of `edit`, in the terms of its model.

    Raises:
        TranslationError: Something in it cannot be said in this dialect at all.
    """
    require_sayable(call, edit.output_tokens_max)
    body: Block = {"messages": _Messages(losses).render(call.turns)}
    system = [block for turn in call.turns if _leads(turn) for block in _system(turn, losses)]
    if system:
        body["system"] = system
    body["inferenceConfig"] = {"maxTokens": edit.output_tokens_max, **_sampling(call, losses)}
    body |= _tools(call, losses)
    if call.format is not None:
        body |= _format(call.format, losses)
    thinking = _thinking(call, edit, losses)
    if thinking:
        body["additionalModelRequestFields"] = thinking
    return written(body, asked(call, edit, IMAGE_TOKENS_MAX_ANY))


# Options of the whole call.


def _sampling(call: Call, losses: Losses) -> dict[str, Raw]:
    """Return the sampling and the stop sequences, which all models are offered alike."""
    told: list[Option] = []
    for option in call.options:
        if option.name == "temperature" and _above_one(option):
            losses.lose(option.at, "is above 1, the most that is taken there")
        else:
            told.append(option)
    return losses.keep(told, _SAMPLING)


def _above_one(option: Option) -> bool:
    try:
        return json.decode(option.value, type=float) > 1
    except UNREADABLE as error:
        raise malformed(option.at, "expected a number.") from error


def _tools(call: Call, losses: Losses) -> Block:
    """Return the tools and the choice among them."""
    choice, parallel = call.choice, call.parallel
    if not call.tools:
        for said in (choice, parallel):
            if said is not None:
                losses.lose(said.at, "says nothing without tools", hint=True)
        return {}
    specs = []
    for tool in call.tools:
        losses.keep(tool.options, {})
        spec: Block = {"name": tool.name}
        if tool.description:
            spec["description"] = tool.description
        spec["inputSchema"] = {"json": _NOTHING if tool.schema is None else tool.schema}
        specs.append({"toolSpec": spec})
    told: Block = {"tools": specs}
    if parallel is not None:
        losses.lose(parallel.at, hint=bytes(parallel.value) == b"true")
    if choice is not None:
        told |= _choice(choice, losses)
    return {"toolConfig": told}


def _choice(choice: ToolChoice, losses: Losses) -> Block:
    if choice.kind == "none":
        losses.lose(choice.at, "cannot be said there beside tools")
        return {}
    chosen: Block = {} if choice.name is None else {"name": choice.name}
    return {"toolChoice": {choice.kind: chosen}}


def _format(form: Format, losses: Losses) -> Block:
    """Return the form of the answer; the schema is a text there."""
    if form.schema is None:
        losses.lose(form.at, "asks for JSON without a schema, which is not to be had there")
        losses.keep(form.options, {})
        return {}
    # Every schema is kept to strictly there.
    told = [option for option in form.options if bytes(option.value) != b"true"]
    named = losses.keep(told, {"name": "name", "description": "description"})
    schema = {"schema": json_of(form.schema, form.schema_at), **named}
    return {
        "outputConfig": {
            "textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}},
        }
    }


def _thinking(call: Call, edit: Edit, losses: Losses) -> Block:
    """Return the fields by which the model's family is told to think."""
    wanted = call.reasoning
    if wanted is None or wanted.off or wanted.effort == "none":
        return {}
    fields = thinking_fields(edit.model, wanted.effort or _effort(wanted.budget))
    if fields is None:
        losses.lose(wanted.at, "is not taken by this model")
    return fields or {}


def _effort(budget: int | None) -> Effort:
    if budget is None:
        return "medium"
    return "low" if budget <= 4_096 else "medium" if budget <= 16_384 else "high"


# Messages.


def _leads(turn: Turn) -> bool:
    return turn.role in ("system", "developer")


def _system(turn: Turn, losses: Losses) -> Iterator[Block]:
    """Yield the blocks of a system prompt, wherever it stood."""
    losses.keep(turn.options, {})
    for part in turn.parts:
        if not isinstance(part, Text):
            raise unsupported(part.at, "anything but text in a system prompt")
        yield {"text": part.text}


class _Messages:
    """Renders the conversation; documents get names that differ, as they must there."""

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self._names: set[str] = set()

    def render(self, turns: Iterable[Turn]) -> list[Block]:
        """Return the messages; turns of one role that follow each other are one message.

        Raises:
            TranslationError: There is none.
        """
        messages: list[Block] = []
        for turn in turns:
            if _leads(turn):
                continue
            self._losses.keep(turn.options, {})
            blocks = [block for part in turn.parts for block in self._block(part)]
            if blocks and messages and messages[-1]["role"] == turn.role:
                messages[-1]["content"] += blocks
            elif blocks:
                messages.append({"role": turn.role, "content": blocks})
        if not messages:
            raise malformed("messages", "there is no message that says anything.")
        return messages

    def _block(self, part: Part) -> Iterator[Block]:
        """Yield the block of a part; nothing for thoughts, which nobody vouches for there."""
        match part:
            case Text(text=text) | Declined(text=text):
                if text.strip():
                    yield {"text": text}
                else:
                    self._losses.lose(part.at, "is a text of blanks alone", hint=True)
            case Image():
                yield _image(part)
            case ImageLink(at=at):
                raise unsupported(at, "an image by address")
            case Document():
                yield self._document(part)
            case ToolUse(name=name):
                called = {"toolUseId": _tool_id(part.id), "name": name, "input": arguments(part)}
                yield {"toolUse": called}
            case ToolResult():
                yield self._result(part)
            case Thinking() | RedactedThinking():
                self._losses.lose(part.at, "is a thought that nobody vouches for there", hint=True)
            case Foreign(what=what, at=at):
                raise unsupported(at, what)

    def _document(self, part: Document) -> Block:
        kind = DOCUMENTS.get(part.media_type)
        if kind is None:
            raise unsupported(part.at, f"a document of type {part.media_type[:64]!r}")
        name = _NOT_IN_NAMES.sub(" ", part.title or "document").strip()[:NAME_CHARS_MAX]
        name = name or "document"
        if name in self._names:
            name = f"{name[: NAME_CHARS_MAX - 6]}-{len(self._names) + 1}"
        self._names.add(name)
        return {"document": {"format": kind, "name": name, "source": {"bytes": part.data}}}

    def _result(self, part: ToolResult) -> Block:
        content = [block for each in part.parts for block in self._block(each)]
        told: Block = {"toolUseId": _tool_id(part.id), "content": content}
        failed = self._losses.keep(part.options, {"failed": "failed"}).get("failed")
        if failed is not None:
            told["status"] = "error" if bytes(failed) == b"true" else "success"
        return {"toolResult": told}


def _image(part: Image) -> Block:
    kind = IMAGES.get(part.media_type)
    if kind is None:
        raise unsupported(part.at, f"an image of type {part.media_type[:64]!r}")
    return {"image": {"format": kind, "source": {"bytes": part.data}}}


def _tool_id(identity: str) -> str:
    """Return a call's id in the signs and the length that are taken there."""
    return _NOT_IN_IDS.sub("_", identity)[-TOOL_ID_CHARS_MAX:]
