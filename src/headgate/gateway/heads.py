"""Heads met before: a client sends the same head with every call, so it is parsed only once.

Nothing is taken on trust: a head is known by all of its bytes but the digits of its
content-length, and only heads that the parser has accepted are kept.
"""

import re

from headgate.gateway.request import Head, Request

HEADS_MAX = 1_024
KEPT_BYTES_MAX = 4_096
"""Longer heads are parsed every time."""

_LENGTH = re.compile(rb"\r\n[Cc]ontent-[Ll]ength: ([0-9]{1,9})\r\n")

Shape = tuple[bytes, bytes]
"""What a head is known by: its bytes before and after the digits of its content-length."""


class HeadMemory:
    """Heads by their shape, up to a bound; then it starts over.

    Attributes:
        nothing: What a connection has received between two requests; never filled.
    """

    def __init__(self) -> None:
        self.nothing = Request(Head())
        self._heads: dict[Shape, Head] = {}

    def shape(self, data: bytes) -> tuple[Shape, int, int] | None:
        """Look at a read that a request begins with.

        Returns:
            The shape of its head, where its body begins, and the body's length; None when the
            head is not whole, or long, or says in no plain way how long the body is.
        """
        end = data.find(b"\r\n\r\n", 0, KEPT_BYTES_MAX)
        if end < 0:
            return None
        length = _LENGTH.search(data, 0, end + 2)
        if length is None:
            return None
        start, stop = length.span(1)
        return (data[:start], data[stop:end]), end + 4, int(data[start:stop])

    def find(self, shape: Shape) -> Head | None:
        """Return the head of a shape, None when it was not met before."""
        return self._heads.get(shape)

    def clear(self) -> None:
        """Forget all of them."""
        self._heads.clear()

    def keep(self, shape: Shape, head: Head) -> None:
        """Remember a head that the parser has accepted and whose sender is known."""
        if head.http10 or head.expects_continue or head.method != b"POST":
            return
        if head.approval is not None or head.idempotency_key is not None:
            # It comes once, or again only as a repeat.
            return
        if head.request_id is not None or head.content_type.startswith(b"multipart/"):
            # They are others every time.
            return
        if any(b"transfer-encoding" in part.lower() for part in shape):
            return
        if len(self._heads) >= HEADS_MAX:
            self._heads.clear()
        self._heads[shape] = head
