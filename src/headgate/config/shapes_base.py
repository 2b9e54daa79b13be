"""What the tables' shapes are made of: bounded texts and numbers, and what they have in common."""

from typing import Annotated, Any, Literal, get_args

from msgspec import Meta, Struct

from headgate.records.priority import Priority
from headgate.units.ids import NAME_PATTERN

Day = Any
"""A TOML date or date-time with offset; the catalog checks it."""

Count = Annotated[int, Meta(ge=1, le=1_000_000_000)]
CountOrNone = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Hours = Annotated[int, Meta(ge=0, le=8_784)]
Minutes = Annotated[int, Meta(ge=1, le=43_200)]
Millis = Annotated[int, Meta(ge=1, le=86_400_000)]
Bytes = Annotated[int, Meta(ge=1, le=1 << 40)]
Text = Annotated[str, Meta(min_length=1, max_length=2_000)]
Name = Annotated[str, Meta(pattern=f"^{NAME_PATTERN}$")]
Weight = Annotated[int, Meta(ge=1, le=1_000)]
Priorities = Annotated[tuple[Priority, ...], Meta(min_length=1, max_length=10)]
Texts = Annotated[tuple[Text, ...], Meta(min_length=1, max_length=10_000)]

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
NODE_KINDS = (
    *("run", "agent", "tag", "key", "principal", "team"),
    *("model", "provider", "deployment"),
)
"""What a budget can be on beside the organisation, from a run up, then where calls go."""


class Shape(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Common settings of all shapes."""
