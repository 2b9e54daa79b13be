"""What a cascade hears of a stream: read as it comes, and held back until it was verified.

What is held counts as bodies in memory do. Beyond its limit nothing is kept: the attempt is ended,
and its answer counts as one that did not pass. What the client gets at once is read up to there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from headgate.dialects.translation.gathered import Gathered

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.pipeline import Pipeline
    from headgate.records.reply import Reply


class Hearing:
    """One stream of a cascade.

    Args:
        pipeline: Counts what is in memory.
        exchange: The call.
        feed: What takes the stream otherwise.
        gathered: Reads it, None where nobody asks what it says.
        passed: The provider's header lines for the client; None for a stream that it gets at once.

    Attributes:
        withholds: Whether its client gets nothing of it yet.
        passed: The provider's header lines that go to the client.
    """

    __slots__ = (
        *("_exchange", "_feed", "_gathered", "_heard", "_held", "_over", "_pipeline"),
        *("passed", "withholds"),
    )

    def __init__(
        self,
        pipeline: Pipeline,
        exchange: Exchange,
        feed: Callable[[bytes], bytes],
        gathered: Gathered | None,
        passed: bytes | None,
    ) -> None:
        self._pipeline, self._exchange, self._feed = pipeline, exchange, feed
        self._gathered = gathered
        self.withholds, self.passed = passed is not None, passed or b""
        self._held = bytearray()
        self._heard = 0
        self._over = False

    def feed(self, payload: bytes) -> bytes:
        """Take bytes as they come and return those that go to the client."""
        data = self._feed(payload)
        if self._over:
            # The gauge has ended the attempt.
            return b""
        if self._gathered is not None:
            self._gathered.feed(data)
        self._heard += len(data)
        fits = self._heard <= self._pipeline.edge.withheld_bytes_max
        if not self.withholds:
            if not fits:
                # Nobody compares what is as long as that.
                self._gathered = None
            return data
        self._held += data
        fits = self._pipeline.buffer(len(data)) and fits
        if not fits and self._exchange.begun:
            # Not with its first bytes, when the exchange is not done with its beginning.
            assert self._pipeline.cascading is not None
            self._pipeline.cascading.too_long(self._exchange)
        return b""

    def end(self, rest: bytes) -> bytes:
        """Return all that was held back, with the last bytes; nothing more will come."""
        if self._gathered is not None:
            self._gathered.feed(rest)
        held = bytes(self._held) + rest
        self.drop()
        return held

    def reply(self) -> Reply | None:
        """Return what the whole stream said, None when it cannot be read or nobody has."""
        return None if self._gathered is None else self._gathered.reply()

    def drop(self) -> None:
        """Let go what is held back."""
        self._over = True
        self._pipeline.unbuffer(len(self._held))
        self._held = bytearray()
