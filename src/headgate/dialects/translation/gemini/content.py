"""What stands in a content: its parts, and which call each result answers."""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Raw, json

from headgate.dialects.translation.fields import (
    UNREADABLE,
    Fields,
    is_object,
    is_text,
    json_of,
    malformed,
)
from headgate.dialects.translation.gemini.names import Names, is_signature, standard_base64
from headgate.records.conversation import (
    Document,
    Foreign,
    Image,
    ImageLink,
    Option,
    Options,
    Part,
    ResultPart,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
)

_OBJECT: Final = json.Decoder(dict[str, Raw])
_TRUE: Final = Raw(b"true")
_NULL: Final = b"null"
_FOREIGN: Final = {
    "executableCode": "code that the provider has run",
    "codeExecutionResult": "what code at the provider returned",
    "toolCall": "a call of a tool at the provider",
    "toolResponse": "what a tool at the provider returned",
}
_KINDS: Final = {"audio": "sound", "video": "a film"}
_KEPT: Final = ("gs://", "https://generativelanguage.googleapis.com/")
"""How addresses begin that only Google can read."""


class Matches:
    """Finds which call a result answers: by its id, else the first that waits under its name."""

    def __init__(self) -> None:
        # By name the ids in their order, each found at once: there may be very many.
        self._waiting: dict[str, OrderedDict[str, None]] = defaultdict(OrderedDict)
        self._count = 0

    def call(self, name: str, given: str | None) -> str:
        """Return the id of a call, one of our own where it has none."""
        identity = given or f"{name}_{self._count}"
        self._count += 1
        self._waiting[name][identity] = None
        return identity

    def result(self, name: str, given: str | None) -> str:
        """Return the id of the call that a result answers; its name when none waits for it."""
        waiting = self._waiting[name]
        if given:
            waiting.pop(given, None)
            return given
        return waiting.popitem(last=False)[0] if waiting else name


class ContentReader:
    """Reads the parts of contents, in their order.

    Args:
        drop: Tells as lost what was not taken of an object.
    """

    def __init__(self, drop: Callable[[Fields], None]) -> None:
        self._drop = drop
        self._matches = Matches()

    def parts(self, content: Names) -> Iterator[Part]:
        """Yield the parts of one content; nothing for an empty text."""
        for fields in content.several("parts"):
            yield from self._part(fields)
        self._drop(content)

    def _part(self, fields: Names) -> Iterator[Part]:
        """Yield what a part is, behind its signature: that is a thought of its own elsewhere."""
        thought = fields.flag("thought")
        signature = fields.text("thoughtSignature") or ""
        if not is_signature(signature):
            signature = ""
        text = fields.text("text")
        if thought:
            if text or signature:
                yield Thinking(text or "", signature, fields.at)
        else:
            if signature:
                yield Thinking("", signature, fields.place("thoughtSignature"))
            if text:
                yield Text(text, fields.at)
        yield from self._data(fields)
        self._drop(fields)

    def _data(self, fields: Names) -> Iterator[Part]:
        """Yield what a part is beside a text."""
        called, returned = fields.object("functionCall"), fields.object("functionResponse")
        if called is not None:
            yield self._call(called, fields.at)
        if returned is not None:
            yield self._result(returned, fields.at)
        yield from self._bytes(fields)
        for name, what in _FOREIGN.items():
            if fields.raw(name) is not None:
                yield Foreign(what, fields.place(name))

    def _call(self, fields: Names, at: str) -> ToolUse:
        """Read a call; its arguments stay the JSON text they are."""
        name = fields.required("name")
        identity = self._matches.call(name, fields.text("id"))
        given = fields.raw("args")
        if given is not None and not is_object(given):
            raise malformed(fields.place("args"), "expected an object.")
        self._drop(fields)
        arguments = "{}" if given is None else json_of(given, fields.place("args"))
        return ToolUse(identity, name, arguments, at)

    def _result(self, fields: Names, at: str) -> ToolResult:
        """Read what a function returned."""
        name = fields.required("name")
        identity = self._matches.result(name, fields.text("id"))
        parts, options = _returned(fields.raw("response"), fields.place("response"))
        for each in fields.several("parts"):
            parts += self._bytes(each)
            self._drop(each)
        self._drop(fields)
        return ToolResult(identity, tuple(parts), options, at)

    def _bytes(self, fields: Names) -> Iterator[Image | ImageLink | Document | Foreign]:
        """Yield what a part holds by value or by address."""
        blob, file = fields.object("inlineData"), fields.object("fileData")
        if blob is not None:
            yield self._blob(blob, fields.at)
        if file is not None:
            kind, uri = file.text("mimeType") or "", file.required("fileUri")
            if kind.startswith("image/") and uri.startswith("http") and not uri.startswith(_KEPT):
                yield ImageLink(uri, fields.at)
                self._drop(file)
            else:
                yield Foreign("a file by address", fields.at)

    def _blob(self, fields: Names, at: str) -> Image | Document | Foreign:
        """Read bytes by what they are."""
        kind, data = fields.required("mimeType"), standard_base64(fields.required("data"))
        if kind.startswith("image/"):
            self._drop(fields)
            return Image(kind, data, at)
        if kind == "application/pdf" or kind.startswith("text/"):
            title = fields.text("displayName")
            self._drop(fields)
            return Document(kind, data, title, at, fields.place("displayName"))
        what = _KINDS.get(kind.partition("/")[0], f"a file of type {kind[:64]!r}")
        return Foreign(what, at)


def _returned(response: Raw | None, at: str) -> tuple[list[ResultPart], Options]:
    """Return what a function returned as a text, and whether it failed.

    Google's own words for a result and for a failure are `output` and `error`; a text alone
    below one of them is told as itself, any other object as the JSON text it is.
    """
    if response is None:
        return [], ()
    try:
        fields = _OBJECT.decode(response)
    except UNREADABLE as error:
        raise malformed(at, "expected an object.") from error
    if not fields:
        return [], ()
    name, value = next(iter(fields.items()))
    said = fields.get("error")
    failed = (
        () if said is None or bytes(said) == _NULL else (Option("failed", _TRUE, f"{at}.error"),)
    )
    if len(fields) == 1 and name in ("output", "error") and is_text(value):
        text = Fields(response, at).text(name)
        return ([Text(text, f"{at}.{name}")] if text else []), failed
    return [Text(json_of(response, at), at)], failed
