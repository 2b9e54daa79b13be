"""What renderers of several dialects have in common."""

import base64

from msgspec import Raw, json

from headgate.dialects.translation.fields import UNREADABLE, malformed
from headgate.records.conversation import Document, ToolUse

_OBJECT = json.Decoder(dict[str, Raw])


class InterleavedError(ValueError):
    """A provider goes on with a part that another has ended; no event can say that."""


def document_text(part: Document) -> str:
    """Return the text that a document is.

    Raises:
        TranslationError: It is none.
    """
    try:
        return base64.b64decode(part.data, validate=True).decode()
    except ValueError as error:
        raise malformed(part.at, "the data is not a text in base64.") from error


def arguments(part: ToolUse) -> Raw:
    """Return a call's arguments as the JSON object they must be; none at all are an empty one.

    Raises:
        TranslationError: The model wrote something else, as it may when it is cut off.
    """
    text = Raw((part.arguments.strip() or "{}").encode())
    try:
        _OBJECT.decode(text)
    except UNREADABLE as error:
        raise malformed(part.at, "the arguments of this call are no JSON object.") from error
    return text
