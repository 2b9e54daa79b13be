"""How fast a simulated model answers."""

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """The usual speed of all models.

    Attributes:
        ttft_ms: Time to the first token.
        delay_ms: Time between two pieces of a reply.
        jitter_share: Each time is drawn from `1 +- jitter_share` times its value, 0..1.
        chunk_tokens: Tokens in one streamed piece, at least 1.
    """

    ttft_ms: float = 8.0
    delay_ms: float = 1.0
    jitter_share: float = 0.25
    chunk_tokens: int = 2

    def __post_init__(self) -> None:
        if self.ttft_ms < 0 or self.delay_ms < 0:
            raise ValueError("ttft_ms and delay_ms must not be negative")
        if not 0 <= self.jitter_share <= 1:
            raise ValueError("jitter_share must be between 0 and 1")
        if self.chunk_tokens < 1:
            raise ValueError("chunk_tokens must be at least 1")


INSTANT = Pace(ttft_ms=0, delay_ms=0, jitter_share=0)


class Tempo:
    """The pace of one reply, with its jitter."""

    __slots__ = ("_pace", "_random")

    def __init__(self, pace: Pace, generator: random.Random) -> None:
        self._pace = pace
        self._random = generator

    @property
    def chunk_tokens(self) -> int:
        """Tokens in one streamed piece."""
        return self._pace.chunk_tokens

    def first_ms(self) -> float:
        """Return the wait before the first token."""
        return self._draw(self._pace.ttft_ms)

    def next_ms(self) -> float:
        """Return the wait before the next piece."""
        return self._draw(self._pace.delay_ms)

    def whole_ms(self, output_tokens: int) -> float:
        """Return the wait before a reply that comes in one piece."""
        return self.first_ms() + self._pace.delay_ms * (output_tokens // self._pace.chunk_tokens)

    def _draw(self, value_ms: float) -> float:
        if not value_ms or not self._pace.jitter_share:
            return value_ms
        return value_ms * (1 + self._pace.jitter_share * (2 * self._random.random() - 1))
