"""Forms with files: read as they arrive, and kept on the disk when they are larger than memory.

A form goes upstream byte for byte, but for the model's name. It is read whole before the call is
decided on, so that its hold is for what it says, and so that it can be sent again elsewhere. What
is on the disk has no name there: it is gone with the call, or with the process.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol, cast

from headgate.dialects.form import Form
from headgate.dialects.multipart import FormError, Multipart, boundary_of
from headgate.dialects.registry import Dialect, FormDialect
from headgate.gateway.settings import Edge
from headgate.store.private import make_private
from headgate.units import errors
from headgate.units.errors import Refusal

if TYPE_CHECKING:
    from headgate.gateway.client.request import Request

MEMORY_BYTES: Final = 1 << 20
"""A form that is larger goes to the disk."""

PIECE_BYTES: Final = 128 << 10
"""How much of it is read from there at a time."""

MULTIPART: Final = b"multipart/form-data"

_TOO_MANY: Final = Refusal(errors.OVERLOADED, "Too many forms are being received.", None, 1)


class Memory(Protocol):
    """Accounts for what bodies have in memory."""

    def buffer(self, size: int) -> bool:
        """Account for more; False when it is too much."""

    def unbuffer(self, size: int) -> None:
        """So much is free again."""


class Uploads:
    """Takes up forms, within bounds.

    Attributes:
        paths: The paths that take forms, with their dialects.
        spooled_bytes: What all forms together have on the disk now.
    """

    def __init__(
        self,
        dialects: Mapping[bytes, Dialect],
        edge: Edge,
        folder: Path | None,
        memory: Memory,
    ) -> None:
        self.paths: dict[bytes, FormDialect] = {
            path: cast(FormDialect, each)
            for path, each in dialects.items()
            if hasattr(each, "tell")
        }
        self.bytes_max = edge.upload_bytes_max
        self.spooled_bytes = 0
        self._spooled_bytes_max = edge.spooled_bytes_max
        self._folder = folder
        self.memory = memory

    def begin(self, request: Request) -> None:
        """Have a form taken up that somebody sends who is known; other bodies stay as they are."""
        content_type = request.head.content_type
        if content_type.lower().startswith(MULTIPART) and request.credential is not None:
            request.upload = Upload(self, boundary_of(content_type))

    def spool(self) -> BinaryIO:
        """Return a new file without a name.

        Raises:
            OSError: There can be none.
        """
        if self._folder is not None:
            make_private(self._folder)
        return cast(BinaryIO, tempfile.TemporaryFile(dir=self._folder, buffering=0))

    def grow(self, count: int) -> bool:
        """Account for bytes on the disk; False when they are too many."""
        if self.spooled_bytes + count > self._spooled_bytes_max:
            return False
        self.spooled_bytes += count
        return True


class Upload:
    """One form.

    Attributes:
        size: Its bytes so far.
    """

    __slots__ = (
        "_boundary",
        "_buffered",
        "_file",
        "_form",
        "_parts",
        "_reader",
        "_spooled",
        "_uploads",
        "size",
    )

    def __init__(self, uploads: Uploads, boundary: bytes | None) -> None:
        self._uploads = uploads
        self._boundary = boundary
        self._reader = Multipart(boundary or b"")
        self._form: Form | None = None
        self._parts: list[bytes] = []
        self._file: BinaryIO | None = None
        self.size = self._buffered = self._spooled = 0

    def take(self, piece: bytes) -> Refusal | None:
        """Take a piece of the body, or tell why the request is refused."""
        if self._boundary is None:
            message = "The content-type of a form names its boundary: 1 to 70 plain characters."
            return Refusal(errors.BODY_MALFORMED, message)
        try:
            self._reader.feed(piece)
        except FormError as error:
            return Refusal(errors.BODY_MALFORMED, str(error))
        self.size += len(piece)
        if self.size > self._uploads.bytes_max:
            most = self._uploads.bytes_max
            return Refusal(errors.BODY_TOO_LARGE, f"A form may have {most} bytes.")
        if self._file is not None or self.size > MEMORY_BYTES:
            return self._write(piece)
        self._buffered += len(piece)
        self._parts.append(piece)
        fits = self._uploads.memory.buffer(len(piece))
        return None if fits else _TOO_MANY

    def _write(self, piece: bytes) -> Refusal | None:
        pieces = [*self._parts, piece]
        self._unbuffer()
        count = sum(map(len, pieces))
        if not self._uploads.grow(count):
            return _TOO_MANY
        self._spooled += count
        try:
            if self._file is None:
                self._file = self._uploads.spool()
            for each in pieces:
                _write_all(self._file, each)
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else "it cannot be written"
            message = f"The form cannot be kept on the disk: {reason}."
            return Refusal(errors.UPLOAD_UNSPOOLED, message, None, 5)
        return None

    def told(self, dialect: FormDialect) -> bytes | Refusal:
        """Return the whole form, told as JSON; or why it is none."""
        try:
            self._form = self._reader.finish()
        except FormError as error:
            return Refusal(errors.BODY_MALFORMED, str(error))
        return dialect.tell(self._form)

    def length(self, model: bytes) -> int:
        """Return how many bytes go upstream."""
        return self.size + len(model) - len(self._named()[1])

    def pieces(self, model: bytes) -> Iterator[bytes]:
        """Yield the form with another model's name, piece by piece; may be begun anew.

        Raises:
            OSError: The disk does not give it back.
        """
        start, old = self._named()
        yield from self._slice(0, start)
        yield model
        yield from self._slice(start + len(old), self.size)

    def close(self) -> None:
        """Forget the form; may be repeated."""
        self._unbuffer()
        file, self._file = self._file, None
        if file is not None:
            file.close()
        self._uploads.spooled_bytes -= self._spooled
        self._spooled = 0

    def _unbuffer(self) -> None:
        self._uploads.memory.unbuffer(self._buffered)
        self._buffered = 0
        self._parts = []

    def _named(self) -> tuple[int, bytes]:
        assert self._form is not None, "a form that was read is whole"
        field = self._form.model()
        assert field is not None, "a form without a model is refused"
        return field.start, field.value

    def _slice(self, start: int, end: int) -> Iterator[bytes]:
        file = self._file
        if file is None:
            body = b"".join(self._parts)
            yield body[start:end]
            return
        while start < end:
            count = min(PIECE_BYTES, end - start)
            piece = b"" if file.closed else os.pread(file.fileno(), count, start)
            if not piece:
                raise OSError("the form's file is shorter than it was")
            yield piece
            start += len(piece)


def _write_all(file: BinaryIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        # Not within the slice: compiled, what stands there is done twice.
        written = file.write(view)
        view = view[written:]
