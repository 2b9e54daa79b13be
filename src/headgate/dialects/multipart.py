"""Reads a form with files (`multipart/form-data`) as it arrives, in constant memory.

The result does not depend on how the bytes are cut. Files are passed over: they are counted, their
beginning is kept, and a digest of them. What parsers could understand in two ways is refused, for
the provider's may not be ours: preambles, encodings of parts, names given twice.

Wire format: RFC 7578 and RFC 2046, 5.1; names as browsers write them
(https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data).
"""

import hashlib
import re

from headgate.dialects.form import Field, File, Form

PARTS_MAX = 128
PART_HEAD_BYTES_MAX = 8_192
FIELD_BYTES_MAX = 262_144
FIELDS_BYTES_MAX = 1_048_576
"""Fields are kept in memory, all of a form together up to this."""

FILE_HEAD_BYTES = 65_536
"""How much of a file's beginning is kept: its format is told there, perhaps behind a picture."""

_BOUNDARY = re.compile(
    rb"multipart/form-data\s*;(?:.*;)?\s*boundary=(\"?)([^\s\";]+)\1\s*(?:;|$)", re.I
)
_BOUNDARY_CHARS = re.compile(rb"[0-9A-Za-z'()+_,./:=?-]{1,70}")
_DISPOSITION = re.compile(
    rb'form-data((?:\s*;\s*[\w-]+\*?=(?:"(?:[^"\\]|\\.)*"|[^\s;"]+))*)\s*', re.I
)
_PARAMETER = re.compile(rb';\s*([\w-]+\*?)=(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+))')
_NAME = re.compile(rb"[^\\%\x00-\x1f]+")
_PLAIN = (b"", b"binary", b"8bit", b"7bit")

_START, _AFTER, _HEAD, _FIELD, _FILE, _OVER = range(6)


class FormError(ValueError):
    """The bytes are no form that can be understood in one way; the message says why."""


def boundary_of(content_type: bytes) -> bytes | None:
    """Return the boundary that a content type names, None when it names none that is legal."""
    found = _BOUNDARY.match(content_type)
    if found is None or _BOUNDARY_CHARS.fullmatch(found[2]) is None:
        return None
    return found[2]


class Multipart:
    """Reads one form.

    Attributes:
        form: What was found so far.
    """

    __slots__ = (
        "_at",
        "_delimiter",
        "_digest",
        "_held",
        "_kept",
        "_part",
        "_size",
        "_state",
        "form",
    )

    def __init__(self, boundary: bytes) -> None:
        self._delimiter = b"\r\n--" + boundary
        # As if a line had ended before the first delimiter.
        self._held = bytearray(b"\r\n")
        self._at = -2
        self._state = _START
        self._part: tuple[str, str | None, str] = ("", None, "")
        self._kept = bytearray()
        self._size = 0
        self._digest = hashlib.sha256()
        self.form = Form([], [])

    def feed(self, data: bytes) -> None:
        """Take the next bytes, cut anywhere.

        Raises:
            FormError: They are not those of a form.
        """
        self._held += data
        while self._step():
            pass

    def finish(self) -> Form:
        """Return the whole form.

        Raises:
            FormError: It has not ended.
        """
        if self._state != _OVER or bytes(self._held) not in (b"", b"\r\n"):
            raise FormError("The form does not end with its boundary.")
        return self.form

    def _step(self) -> bool:
        """Take one step; False when more bytes are needed for it."""
        if self._state == _START:
            return self._starts()
        if self._state == _AFTER:
            return self._after()
        if self._state == _HEAD:
            return self._head()
        if self._state == _OVER:
            if len(self._held) > 2:
                raise FormError("Something follows the form's end.")
            return False
        return self._body()

    def _drop(self, count: int) -> None:
        del self._held[:count]
        self._at += count

    def _starts(self) -> bool:
        known = min(len(self._held), len(self._delimiter))
        if self._held[:known] != self._delimiter[:known]:
            raise FormError("The form does not begin with its boundary.")
        if known < len(self._delimiter):
            return False
        self._drop(known)
        self._state = _AFTER
        return True

    def _after(self) -> bool:
        if len(self._held) < 2:
            return False
        sign = bytes(self._held[:2])
        if sign not in (b"\r\n", b"--"):
            raise FormError("A boundary is not alone on its line.")
        self._drop(2)
        self._state = _HEAD if sign == b"\r\n" else _OVER
        return True

    def _head(self) -> bool:
        end = self._held.find(b"\r\n\r\n")
        if end > PART_HEAD_BYTES_MAX or (end < 0 and len(self._held) > PART_HEAD_BYTES_MAX + 3):
            raise FormError("The head of a part is too long.")
        if end < 0:
            return False
        if len(self.form.fields) + len(self.form.files) >= PARTS_MAX:
            raise FormError(f"The form has more than {PARTS_MAX} parts.")
        self._part = _part_of(bytes(self._held[:end]))
        # The line's end stays: an empty part is followed by its delimiter at once.
        self._drop(end + 2)
        self._size = -2
        self._kept = bytearray()
        self._digest = hashlib.sha256()
        self._state = _FIELD if self._part[1] is None else _FILE
        return True

    def _body(self) -> bool:
        held, delimiter = self._held, self._delimiter
        # What begins at the line's end after the head may be the delimiter already. Some parsers
        # take a bare line feed before a boundary, so it may stand nowhere else.
        end = held.find(delimiter[2:]) - 2
        if end > -3 and not held.startswith(b"\r\n", max(0, end)):
            raise FormError("The boundary stands inside a part.")
        if end >= 0:
            self._take(bytes(held[:end]))
            self._drop(end)
            self._end_part()
            self._drop(len(delimiter))
            self._state = _AFTER
            return True
        safe = len(held) - len(delimiter) + 1
        if safe > 0:
            self._take(bytes(held[:safe]))
            self._drop(safe)
        return False

    def _take(self, data: bytes) -> None:
        """Take bytes of a part; the first two are the line's end before it."""
        before, self._size = self._size, self._size + len(data)
        if before < 0:
            data = data[-before:]
        if not data:
            return
        if self._state == _FILE:
            self._digest.update(data)
            room = FILE_HEAD_BYTES - len(self._kept)
            self._kept += data[: max(0, room)]
            return
        self._kept += data
        fields = sum(len(each.value) for each in self.form.fields)
        if len(self._kept) > FIELD_BYTES_MAX or fields + len(self._kept) > FIELDS_BYTES_MAX:
            raise FormError(f"The field {self._part[0][:64]!r} is too long.")

    def _end_part(self) -> None:
        name, filename, content_type = self._part
        size = self._size
        if size < 0:
            raise FormError("A boundary follows the head of a part at once.")
        if filename is None:
            value = bytes(self._kept)
            self.form.fields.append(Field(name, value, self._at - size))
        else:
            digest = self._digest.hexdigest()
            head = bytes(self._kept)
            self.form.files.append(File(name, filename, content_type, size, head, digest))


def _part_of(head: bytes) -> tuple[str, str | None, str]:
    """Return name, file name (None for a field) and content type of a part.

    Raises:
        FormError: They are missing, twice there or not to be read.
    """
    headers: dict[bytes, bytes] = {}
    for line in head.split(b"\r\n"):
        key, colon, value = line.partition(b":")
        key = key.lower()
        if not colon or key in headers or key.strip() != key or b"\n" in line or b"\r" in line:
            raise FormError("The head of a part is not in order.")
        headers[key] = value.strip()
    if headers.get(b"content-transfer-encoding", b"").lower() not in _PLAIN:
        raise FormError("A part is encoded; send it as it is.")
    found = _DISPOSITION.fullmatch(headers.get(b"content-disposition", b""))
    if found is None:
        raise FormError("A part says no `content-disposition: form-data` that can be read.")
    named: dict[bytes, bytes] = {}
    for key, quoted, bare in _PARAMETER.findall(found[1]):
        if key.lower() in named or key.lower() == b"name*":
            raise FormError("A part is named twice, or in an encoding.")
        named[key.lower()] = quoted or bare
    if _NAME.fullmatch(named.get(b"name", b"")) is None:
        raise FormError("A part has no name, or one with signs that stand for others.")
    try:
        name = named[b"name"].decode()
        filename = named.get(b"filename", named.get(b"filename*"))
        content_type = headers.get(b"content-type", b"").decode("latin-1")
        return name, None if filename is None else filename.decode("utf-8", "replace"), content_type
    except UnicodeDecodeError as error:
        raise FormError("A part's name is not UTF-8.") from error
