"""What renderers of several dialects have in common."""

import base64

from headgate.dialects.translation.fields import malformed
from headgate.records.conversation import Document


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
