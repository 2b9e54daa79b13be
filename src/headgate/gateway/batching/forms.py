"""The form in which a file comes, read whole; pure.

What other parsers could read otherwise is refused by `dialects/multipart.py`, which is asked first.
"""

from typing import NamedTuple

from headgate.dialects.multipart import FormError, Multipart, boundary_of
from headgate.units.errors import BODY_INVALID, BODY_MALFORMED, Refusal


class Uploaded(NamedTuple):
    """A file as its client sent it."""

    filename: str
    purpose: str
    content: bytes


def read(content_type: bytes, body: bytes) -> Uploaded | Refusal:
    """Return the file of a form, with what it is for."""
    boundary = boundary_of(content_type)
    if boundary is None:
        return Refusal(BODY_MALFORMED, "Send a form: `content-type: multipart/form-data`.")
    reader = Multipart(boundary)
    try:
        reader.feed(body)
        form = reader.finish()
    except FormError as error:
        return Refusal(BODY_MALFORMED, str(error))
    if len(form.files) != 1 or form.files[0].name != "file":
        return Refusal(BODY_INVALID, "The form has one file, called `file`.", "file")
    purposes = [each.value for each in form.fields if each.name == "purpose"]
    if purposes != [b"batch"]:
        return Refusal(BODY_INVALID, "Files are kept for batches: purpose is `batch`.", "purpose")
    content = _content(b"\r\n--" + boundary, b"\r\n" + body)
    return Uploaded(form.files[0].filename[:256], "batch", content)


def _content(delimiter: bytes, body: bytes) -> bytes:
    """Return what the part with the file has; the form is known to be in order."""
    for part in body.split(delimiter)[1:]:
        head, _, content = part.partition(b"\r\n\r\n")
        if b"filename" in head:
            return content
    raise AssertionError("a form that has a file")
