"""What is said, as Google's contents: whose turn it is, and its parts."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from msgspec import Raw, json

from headgate.dialects.translation.fields import UNREADABLE, malformed, unsupported
from headgate.dialects.translation.gemini.models import is_third
from headgate.dialects.translation.gemini.names import UNSIGNED
from headgate.dialects.translation.losses import Losses
from headgate.dialects.translation.parts import alternating, arguments, document_text
from headgate.records.conversation import (
    Declined,
    Document,
    Foreign,
    Image,
    ImageLink,
    Part,
    RedactedThinking,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
    Turn,
)

Block = dict[str, Any]

_OBJECT: Final = json.Decoder(dict[str, Raw])
_OWN: Final = frozenset({"output", "error"})


def system(turns: Iterable[Turn], losses: Losses) -> list[Block]:
    """Return the parts of the system instruction, wherever they stood."""
    parts: list[Block] = []
    for turn in turns:
        if turn.role not in ("system", "developer"):
            continue
        losses.keep(turn.options, {})
        for part in turn.parts:
            if not isinstance(part, Text):
                raise unsupported(part.at, "anything but text in a system prompt")
            parts.append({"text": part.text})
    return parts


def contents(turns: Iterable[Turn], model: str, losses: Losses) -> list[Block]:
    """Return the contents; turns of one role that follow each other are one.

    Raises:
        TranslationError: There is none, or a part of one cannot be said in this dialect.
    """
    writer = _Writer(model, losses)
    spoken = (turn for turn in turns if turn.role not in ("system", "developer"))
    sides = alternating((turn.role, list(writer.parts(turn))) for turn in spoken)
    roles = {"user": "user", "assistant": "model"}
    return [{"role": roles[role], "parts": parts} for role, parts in sides]


class _Writer:
    """Writes parts; results are matched to their calls by name, which only the calls say."""

    def __init__(self, model: str, losses: Losses) -> None:
        self._third = is_third(model)
        self._losses = losses
        self._names: dict[str, str] = {}

    def parts(self, turn: Turn) -> Iterator[Block]:
        """Yield the parts of a turn; the first of the calls in it stands for their signature."""
        self._losses.keep(turn.options, {})
        signed = not self._third
        for part in turn.parts:
            for block in self._blocks(part):
                if "functionCall" in block and not signed:
                    block["thoughtSignature"] = UNSIGNED
                    signed = True
                yield block

    def _blocks(self, part: Part) -> Iterator[Block]:
        """Yield what a part is; nothing for thoughts, which another provider has signed."""
        match part:
            case Text(text=text) | Declined(text=text):
                yield {"text": text}
            case Image() | Document():
                yield self._bytes(part)
            case ImageLink():
                raise unsupported(part.at, "an image by address (send its bytes)")
            case ToolUse(id=identity, name=name):
                self._names[identity] = name
                yield {"functionCall": {"id": identity, "name": name, "args": arguments(part)}}
            case ToolResult():
                yield from self._result(part)
            case Thinking() | RedactedThinking():
                self._losses.lose(part.at, "is a thought that was not had there", hint=True)
            case Foreign(what=what, at=at):
                raise unsupported(at, what)

    def _bytes(self, part: Image | Document) -> Block:
        """Return an image, or a document: a PDF as its bytes, a text as itself."""
        if isinstance(part, Document):
            if part.title is not None:
                self._losses.lose(part.title_at, "has no place there", hint=True)
            if part.media_type.startswith("text/"):
                return {"text": document_text(part)}
            if part.media_type != "application/pdf":
                raise unsupported(part.at, f"a document of type {part.media_type[:64]!r}")
        return {"inlineData": {"mimeType": part.media_type, "data": part.data}}

    def _result(self, result: ToolResult) -> Iterator[Block]:
        """Yield what a function returned; earlier models are shown images beside it."""
        name = self._names.get(result.id)
        if name is None:
            raise malformed(result.at, f"no call {result.id[:64]!r} waits for this result.")
        failed = any(bytes(option.value) == b"true" for option in result.options)
        texts: list[str] = []
        shown: list[Block] = []
        for part in result.parts:
            for block in self._blocks(part):
                if "text" in block:
                    texts.append(block["text"])
                else:
                    shown.append(block)
        response = _response("\n".join(texts), failed=failed)
        returned = {"id": result.id, "name": name, "response": response}
        if self._third and shown:
            yield {"functionResponse": {**returned, "parts": shown}}
        else:
            yield {"functionResponse": returned}
            yield from shown


def _response(text: str, *, failed: bool) -> Any:
    """Return a result as the object it must be: one that is an object already stays it."""
    if failed:
        return {"error": text}
    if text.lstrip().startswith("{"):
        try:
            fields = _OBJECT.decode(text.encode())
        except UNREADABLE:
            fields = {}
        # What Google's own words would give another meaning to is told as a text.
        if fields and _OWN.isdisjoint(fields):
            return Raw(text.encode())
    return {"output": text}
