"""What the configuration says of learning from votes."""

from collections.abc import Mapping
from typing import NamedTuple

from headgate.routing.learning.votes import RELIABILITY

HALF_LIFE_DAYS_DEFAULT = 30
CALL_DAYS_MAX_DEFAULT = 30
VOTES_PER_MINUTE_MAX_DEFAULT = 600
DAY_NS = 86_400_000_000_000


class Learning(NamedTuple):
    """How votes are taken and believed.

    Attributes:
        half_life_days: A vote on a call so old counts half of one on a call of now.
        call_days_max: Votes on older calls are refused.
        votes_per_minute_max: So many of one principal are taken.
        keep_comments: Whether what people write beside a vote is kept.
        reliability: By source, how often it says what is so, before anything is known of it.
    """

    half_life_days: int = HALF_LIFE_DAYS_DEFAULT
    call_days_max: int = CALL_DAYS_MAX_DEFAULT
    votes_per_minute_max: int = VOTES_PER_MINUTE_MAX_DEFAULT
    keep_comments: bool = False
    reliability: Mapping[str, float] = RELIABILITY

    @property
    def half_life_ns(self) -> int:
        """The half-life in nanoseconds."""
        return self.half_life_days * DAY_NS

    @property
    def order(self) -> tuple[str, ...]:
        """The sources, from the one that is believed least before anything is known of it here."""
        return tuple(sorted(self.reliability, key=lambda each: (self.reliability[each], each)))


USUAL = Learning()
