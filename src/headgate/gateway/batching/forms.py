"""The form in which a file comes, read whole; pure.

What other parsers could read otherwise is refused by `dialects/multipart.py`, which is asked first.
"""

from typing import Final, NamedTuple

from headgate.dialects.form import Form
from headgate.dialects.multipart import FormError, Multipart, boundary_of
from headgate.records.batch import FILES_KEPT_NS, FILES_KEPT_S_MAX, FILES_KEPT_S_MIN
from headgate.units.errors import BODY_INVALID, BODY_MALFORMED, Refusal
from headgate.units.instants import NANOS_PER_SECOND

ANCHOR: Final = "expires_after[anchor]"
SECONDS: Final = "expires_after[seconds]"
"""The fields that say when a file is to be gone; both or none are there."""


class Uploaded(NamedTuple):
    """A file as its client sent it; `kept_ns`: for how long it is to be kept."""

    filename: str
    purpose: str
    content: bytes
    kept_ns: int


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
    kept_ns = _kept_ns(form)
    if isinstance(kept_ns, Refusal):
        return kept_ns
    content = _content(b"\r\n--" + boundary, b"\r\n" + body)
    return Uploaded(form.files[0].filename[:256], "batch", content, kept_ns)


def _kept_ns(form: Form) -> int | Refusal:
    """Return for how long a file is to be kept, by a policy that is whole and within bounds."""
    told = [each for each in form.fields if each.name.startswith("expires_after")]
    if not told:
        return FILES_KEPT_NS
    policy = {each.name: each.value for each in told}
    if len(told) != len(policy) or set(policy) != {ANCHOR, SECONDS}:
        message = f"Send {ANCHOR} and {SECONDS}, once each."
        return Refusal(BODY_INVALID, message, "expires_after")
    if policy[ANCHOR] != b"created_at":
        return Refusal(BODY_INVALID, "The anchor is `created_at`.", ANCHOR)
    seconds = policy[SECONDS]
    digits = len(seconds) <= len(str(FILES_KEPT_S_MAX)) and seconds.isdigit()
    if not digits or not FILES_KEPT_S_MIN <= int(seconds) <= FILES_KEPT_S_MAX:
        message = f"A file is kept for {FILES_KEPT_S_MIN} to {FILES_KEPT_S_MAX} seconds."
        return Refusal(BODY_INVALID, message, SECONDS)
    return int(seconds) * NANOS_PER_SECOND


def _content(delimiter: bytes, body: bytes) -> bytes:
    """Return what the part with the file has; the form is known to be in order."""
    for part in body.split(delimiter)[1:]:
        head, _, content = part.partition(b"\r\n\r\n")
        if b"filename" in head:
            return content
    raise AssertionError("a form that has a file")
