"""A form with files, and how it is told as JSON, so that the dialects read it like any body."""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from headgate.units.errors import BODY_INVALID, KEY_DUPLICATE, Refusal


class Field(NamedTuple):
    """A field.

    Attributes:
        start: Where its value begins in the body.
    """

    name: str
    value: bytes
    start: int


class File(NamedTuple):
    """A file, which is not kept.

    Attributes:
        size: Its bytes.
        head: The first of them.
        sha256: The digest of all, hexadecimal.
    """

    name: str
    filename: str
    content_type: str
    size: int
    head: bytes
    sha256: str


class Form(NamedTuple):
    """What a form consists of, each in the order it came."""

    fields: list[Field]
    files: list[File]

    def model(self) -> Field | None:
        """Return the field that names the model, None when there is none."""
        return next((each for each in self.fields if each.name == "model"), None)


def tell(form: Form, measure: Callable[[File], dict[str, int]] | None = None) -> bytes | Refusal:
    """Tell a form as a JSON object: texts by name, files as what is known of them.

    `image[]` and `svg[model]` are told under the name before the bracket, as lists.

    Args:
        form: The form.
        measure: Says more of a file.
    """
    told: dict[str, Any] = {}
    for field in form.fields:
        try:
            value = field.value.decode()
        except UnicodeDecodeError:
            return Refusal(BODY_INVALID, f"{field.name}: The text is not UTF-8.", field.name)
        if not _add(told, field.name, value):
            return _twice(field.name)
    for file in form.files:
        facts: dict[str, Any] = {
            "filename": file.filename,
            "content_type": file.content_type,
            "bytes": file.size,
            "sha256": file.sha256,
        }
        facts |= {} if measure is None else measure(file)
        name = file.name if "[" in file.name else f"{file.name}[]"
        if not _add(told, name, facts):
            return _twice(file.name)
    return msgspec.json.encode(told)


def _add(told: dict[str, Any], name: str, value: object) -> bool:
    base, bracket, _ = name.partition("[")
    if not bracket:
        if base in told:
            return False
        told[base] = value
        return True
    members = told.setdefault(base, [])
    if not isinstance(members, list):
        return False
    members.append(value)
    return True


def _twice(name: str) -> Refusal:
    message = f"The field {name[:64]!r} stands in the form twice; send it once."
    return Refusal(KEY_DUPLICATE, message, name[:64])
