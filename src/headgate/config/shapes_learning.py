"""The table of headgate.toml that is about learning from votes, as a type."""

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from headgate.config.shape import Count, Shape
from headgate.routing.learning.settings import USUAL
from headgate.routing.learning.votes import Source

Percent = Annotated[int, Meta(ge=50, le=99)]
Days = Annotated[int, Meta(ge=1, le=3_650)]


class LearningShape(Shape, frozen=True, kw_only=True):
    """`[learning]`: how votes on calls are taken and believed; see `routing.learning.settings`.

    Attributes:
        reliability_percent: By source, how often it says what is so; the usual for the others.
    """

    half_life_days: Days = USUAL.half_life_days
    call_days_max: Days = USUAL.call_days_max
    votes_per_minute_max: Count = USUAL.votes_per_minute_max
    keep_comments: bool = USUAL.keep_comments
    reliability_percent: Mapping[Source, Percent] = {}
