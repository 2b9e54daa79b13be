"""Reads the forms of OpenAI's API, and the JSON that stands for them elsewhere."""

import re
from dataclasses import dataclass, field

import msgspec

from headgate.simulator.dialect import ApiError
from headgate.simulator.server import Request

_NAME = re.compile(rb'name="([^"]*)"')
_FILENAME = re.compile(rb'filename="([^"]*)"')


@dataclass(slots=True)
class Asked:
    """What a request asks for: texts by name, and the bytes of its files."""

    texts: dict[str, str] = field(default_factory=dict)
    files: list[bytes] = field(default_factory=list)

    def text(self, name: str, default: str = "") -> str:
        """Return a text."""
        return self.texts.get(name) or default

    def number(self, name: str, default: int = 0) -> int:
        """Return a whole number."""
        return int(self.texts.get(name) or default)


def read_asked(request: Request) -> Asked:
    """Read a form, or a JSON object whose members are told as texts.

    Raises:
        ApiError: It is neither.
    """
    content_type = request.header("content-type") or ""
    if content_type.startswith("multipart/form-data"):
        return _read_form(request.body, content_type.partition("boundary=")[2].strip('"').encode())
    try:
        document = msgspec.json.decode(request.body, type=dict[str, object])
    except msgspec.DecodeError as error:
        message = "We could not parse the JSON body of your request."
        raise ApiError(400, "invalid_request_error", message) from error
    told = {key: _as_text(value) for key, value in document.items() if value is not None}
    return Asked(told)


def _as_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read_form(body: bytes, boundary: bytes) -> Asked:
    asked = Asked()
    first, *parts = (b"\r\n" + body).split(b"\r\n--" + boundary)
    if first or not parts or not parts[-1].startswith(b"--"):
        raise ApiError(400, "invalid_request_error", "The form cannot be read.")
    for part in parts[:-1]:
        head, _, value = part.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if name is None:
            raise ApiError(400, "invalid_request_error", "A part of the form has no name.")
        if _FILENAME.search(head):
            asked.files.append(value)
        else:
            asked.texts[name[1].decode()] = value.decode()
    return asked
