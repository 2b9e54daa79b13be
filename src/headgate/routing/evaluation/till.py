"""What calls of replayed sessions cost at list prices, with prompt caches that forget; pure."""

from collections.abc import Mapping
from typing import NamedTuple

from headgate.catalog.rates import RateCard, UnpricedMeterError
from headgate.units.usage import Usage


class Shape(NamedTuple):
    """What a call of a coding agent looks like, for want of recorded ones.

    Attributes:
        first_tokens: Of a session's first prompt: instructions, tools, the task.
        step_tokens: What a tool's result adds to each next prompt.
        output_tokens: What a call generates; it stays in the prompt.
        call_s: How long one takes.
        lifetime_s: How long a prefix is kept after its last use.
    """

    first_tokens: int = 20_000
    step_tokens: int = 500
    output_tokens: int = 150
    call_s: int = 10
    lifetime_s: int = 300


class Till:
    """One session's money: what a call costs at each model, by what is warm there.

    Args:
        cards: The prices by model.
        shape: What calls look like.
    """

    def __init__(self, cards: Mapping[str, RateCard], shape: Shape) -> None:
        self._cards = cards
        self._shape = shape
        self._warm: dict[str, tuple[int, int]] = {}

    def now_nanos(self, model: str, prompt_tokens: int, at_s: int) -> int:
        """Return what a call costs, its prefix being written for the next."""
        tokens, until_s = self._warm.get(model, (0, 0))
        return self._nanos(model, prompt_tokens, tokens if at_s < until_s else 0)

    def steady_nanos(self, model: str, prompt_tokens: int) -> int:
        """Return what it costs where everything but the last step is warm."""
        return self._nanos(model, prompt_tokens, prompt_tokens - self._shape.step_tokens)

    def charge(self, model: str, prompt_tokens: int, at_s: int) -> int:
        """Return what a call costs, and keep its prefix."""
        nanos = self.now_nanos(model, prompt_tokens, at_s)
        self._warm[model] = (prompt_tokens, at_s + self._shape.lifetime_s)
        return nanos

    def _nanos(self, model: str, prompt_tokens: int, warm_tokens: int) -> int:
        read = min(warm_tokens, prompt_tokens)
        fresh, output = prompt_tokens - read, self._shape.output_tokens
        card = self._cards[model]
        try:
            written = Usage(cache_read=read, cache_write_5m=fresh, output_text=output)
            return card.amount(written)[0]
        except UnpricedMeterError:
            return card.amount(Usage(input_uncached=fresh, cache_read=read, output_text=output))[0]
