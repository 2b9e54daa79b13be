"""Logs of one JSON value a line, written by programs that may be cut off in the middle of one."""

from collections.abc import Iterable, Iterator
from typing import Final, Generic, TypeVar

import msgspec

from headgate.economics.usage_logs.record import Tally

Line = TypeVar("Line")

_OPEN, _CLOSE = b"{}"
_HEAD_BYTES: Final = 600
"""How far into a line its own plain members are looked for."""
_END_BYTES: Final = 600
"""Where usage stands in most lines of most logs."""


class JsonLines(Generic[Line]):
    """Decodes the lines of a log that may tell of usage.

    Args:
        shape: The type of a line; fields it does not have are skipped unread.
        needles: A line without any of these is counted and passed over undecoded. A name in
            quotes is safe as a needle: inside a JSON text its second quote would be escaped.
        skipped: A member of the lines that are counted and passed over without a look at their
            rest, which is where most bytes of a log are, unless they end with the first needle.
    """

    def __init__(self, shape: type[Line], *needles: bytes, skipped: bytes | None = None) -> None:
        self._decode = msgspec.json.Decoder(shape).decode
        self._needles = needles
        self._skipped = b"," + skipped if skipped else None

    def read(self, blocks: Iterable[bytes], tally: Tally) -> Iterator[tuple[bytes, Line]]:
        """Yield each decoded line with its bytes; count all of them and what is wrong with some."""
        decode = self._decode
        for data in blocks:
            for line in self._candidates(data, tally):
                try:
                    yield line, decode(line)
                except msgspec.ValidationError as error:
                    tally.note_foreign(line, str(error))
                except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
                    # The last is how a value that is nested too deeply is told.
                    tally.note_broken(line, str(error))

    def _candidates(self, data: bytes, tally: Tally) -> list[bytes]:
        """Return the whole lines that may tell of usage."""
        needles, skipped, usual = self._needles, self._skipped, self._needles[0]
        find, rfind = data.find, data.rfind
        found: list[bytes] = []
        lines, start, size = 0, 0, len(data)
        while start < size:
            end = find(b"\n", start)
            end = size if end < 0 else end
            begin, start = start, end + 1
            if begin == end:
                continue
            lines += 1
            if data[end - 1] == _CLOSE and data[begin] == _OPEN:
                last = end - _END_BYTES
                if rfind(usual, last if last > begin else begin, end) >= 0:
                    found.append(data[begin:end])
                    continue
                if skipped and _is_own(skipped, data, begin, end):
                    continue
            elif not _is_whole(data[begin:end], tally):
                continue
            # From the end: it is nearer.
            for needle in needles:
                if rfind(needle, begin, end) >= 0:
                    found.append(data[begin:end])
                    break
        tally.lines += lines
        return found


def _is_whole(line: bytes, tally: Tally) -> bool:
    """Tell whether a line with blanks around it is an object; count it when it is not."""
    line = line.strip()
    if line and not (line.startswith(b"{") and line.endswith(b"}")):
        tally.note_broken(line, "not a whole JSON object")
        return False
    return bool(line)


def _is_own(member: bytes, data: bytes, begin: int, end: int) -> bool:
    """Tell whether the line's own `member`, after a comma, is seen before any nested value.

    With no opening bracket before it, it stands in the outermost object or in a string; and in a
    string its quotes would be escaped.
    """
    at = data.find(member, begin, min(begin + _HEAD_BYTES, end))
    return at > 0 and data.find(b"{", begin + 1, at) < 0 and data.find(b"[", begin, at) < 0
