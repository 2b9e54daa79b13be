"""Words and numbers that stand once in what is generated."""

import itertools
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

Json = dict[str, Any]


class Marks:
    """Gives out words and numbers that occur nowhere else, and draws what is said at all."""

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        self._draw = draw
        self._count = itertools.count(10_001)

    def word(self) -> str:
        return f"w{next(self._count)}z"

    def number(self) -> float:
        return float(f"0.{next(self._count)}7")  # A last digit that no float drops.

    def whole(self) -> int:
        return next(self._count)

    def maybe(self) -> bool:
        return bool(self._draw(st.booleans()))

    def one(self, *values: Any) -> Any:
        return self._draw(st.sampled_from(values))

    def some(self, least: int, most: int) -> range:
        return range(self._draw(st.integers(least, most)))

    def fields(self, **makers: Callable[[], Any]) -> Json:
        """Return some of the fields, each made by its maker."""
        return {name: make() for name, make in makers.items() if self.maybe()}

    def schema(self) -> Json:
        return {"type": "object", "properties": {self.word(): {"description": self.word()}}}
