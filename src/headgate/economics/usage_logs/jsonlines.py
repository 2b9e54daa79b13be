"""Logs of one JSON value a line, written by programs that may be cut off in the middle of one."""

from collections.abc import Iterator
from typing import Generic, TypeVar

import msgspec

from headgate.economics.usage_logs.record import Tally

Line = TypeVar("Line")


class JsonLines(Generic[Line]):
    """Decodes the lines of a log that may tell of usage.

    Args:
        shape: The type of a line; fields it does not have are skipped unread.
        needles: A line without any of these is counted and passed over undecoded. A name in
            quotes is safe as a needle: inside a JSON text its second quote would be escaped.
    """

    def __init__(self, shape: type[Line], *needles: bytes) -> None:
        self._decode = msgspec.json.Decoder(shape).decode
        self._needles = needles

    def read(self, data: bytes, tally: Tally) -> Iterator[tuple[bytes, Line]]:
        """Yield each decoded line with its bytes; count all of them and what is wrong with some."""
        decode, needles = self._decode, self._needles
        for raw in data.split(b"\n"):
            if not raw:
                continue
            tally.lines += 1
            # 123 and 125 are braces: a line that does not end with one was cut.
            line = raw if raw[-1] == 125 and raw[0] == 123 else raw.strip()
            if not line.startswith(b"{") or not line.endswith(b"}"):
                if line:
                    tally.note_broken(line, "not a whole JSON object")
                continue
            if not any(needle in line for needle in needles):
                continue
            try:
                yield line, decode(line)
            except msgspec.ValidationError as error:
                tally.note_foreign(line, str(error))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                tally.note_broken(line, str(error))
