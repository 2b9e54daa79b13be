"""Heads met before: a client sends the same head with every call, so it is parsed only once.

Nothing is taken on trust: a head is known by all of its bytes but the digits of its
content-length, and only heads that the parser has accepted are kept.
"""

from __future__ import annotations

import re
from typing import Final

from headgate.gateway.client.request import Head, Request
from headgate.gateway.hooks import PREFIX as HOOKS

HEADS_MAX: Final = 1_024
KEPT_BYTES_MAX: Final = 4_096
"""Longer heads are parsed every time."""

LENGTH_DIGITS_MAX: Final = 9
_ZERO: Final = b"0"[0]

_LENGTH: Final = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: ([0-9]{1,9})\r\n")

Shape = tuple[bytes, bytes]
"""What a head is known by: its bytes before and after the digits of its content-length."""


class Met:
    """A head by its shape.

    Attributes:
        shape: The second part goes up to the end of the blank line.
        head: What it says; None while it is not known.
        end: Where the body begins, of the read that it was met in last.
        length: How long that body is.
    """

    __slots__ = ("end", "head", "length", "shape")

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.head: Head | None = None
        self.end = self.length = 0

    def again(self, data: bytes) -> bool:
        """Look whether a read begins with the same head."""
        before, after = self.shape
        start = len(before)
        # By slices: compiled, they cost less than methods that are told where to look.
        if self.head is None or data[:start] != before:
            return False
        digits = data[start : start + LENGTH_DIGITS_MAX]
        length, stop = 0, start
        for at in range(len(digits)):
            digit = digits[at] - _ZERO
            if not 0 <= digit <= 9:
                break
            length = length * 10 + digit
            stop += 1
        end = stop + len(after)
        if stop == start or data[stop:end] != after:
            return False
        self.end, self.length = end, length
        return True


class HeadMemory:
    """Heads by their shape, up to a bound; then it starts over.

    Attributes:
        nothing: What a connection has received between two requests; never filled.
    """

    def __init__(self) -> None:
        self.nothing = Request(Head())
        self._heads: dict[Shape, Met] = {}

    def meet(self, data: bytes, last: Met | None) -> Met | None:
        """Look at a read that a request begins with.

        Args:
            data: What was read.
            last: The head of the request before on this connection, which is likely to come again.

        Returns:
            Its head, with where its body begins and how long that is; None when the head is not
            whole, or long, or says in no plain way how long the body is.
        """
        if last is not None and last.again(data):
            return last
        end = data.find(b"\r\n\r\n", 0, KEPT_BYTES_MAX)
        if end < 0:
            return None
        length = _LENGTH.search(data, 0, end + 2)
        if length is None:
            return None
        start, stop = length.span(1)
        shape = (data[:start], data[stop : end + 4])
        met = self._heads.get(shape) or Met(shape)
        met.end, met.length = end + 4, int(data[start:stop])
        return met

    def clear(self) -> None:
        """Forget all of them; connections that remember their last one find nothing in it."""
        for met in self._heads.values():
            met.head = None
        self._heads.clear()

    def keep(self, met: Met, head: Head) -> None:
        """Remember a head that the parser has accepted and whose sender is known."""
        if head.http10 or head.expects_continue or head.method != b"POST":
            return
        if head.approval is not None or head.idempotency_key is not None:
            # It comes once, or again only as a repeat.
            return
        if head.request_id is not None or head.content_type.startswith(b"multipart/"):
            # They are others every time.
            return
        if head.path.startswith(HOOKS):
            # They are signed.
            return
        if any(b"transfer-encoding" in part.lower() for part in met.shape):
            return
        if len(self._heads) >= HEADS_MAX:
            self._heads.clear()
        met.head = head
        self._heads[met.shape] = met
