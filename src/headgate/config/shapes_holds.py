"""The table of headgate.toml that is about expected holds, as a type."""

from typing import Annotated

from msgspec import Meta

from headgate.config.shape import Count, Shape
from headgate.ledger.settings import Expected

_EXPECTED = Expected()


class HoldsShape(Shape, frozen=True, kw_only=True):
    """`[holds]`: how expected holds are sized; see `ledger.settings`."""

    percent: Annotated[int, Meta(ge=50, le=99)] = _EXPECTED.percent
    calls_min: Count = _EXPECTED.calls_min
    output_tokens_min: Count = _EXPECTED.output_tokens_min
    reserve_tokens: Count = _EXPECTED.reserve_tokens
