"""What all shapes of headgate.toml have in common, and the types of their keys."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from headgate.units.ids import ALIAS_PATTERN, NAME_PATTERN

Day = Any
"""A TOML date or date-time with offset; the catalog checks it."""

Count = Annotated[int, Meta(ge=1, le=1_000_000_000)]
CountOrNone = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Millis = Annotated[int, Meta(ge=1, le=86_400_000)]
Bytes = Annotated[int, Meta(ge=1, le=1 << 40)]
Hours = Annotated[int, Meta(ge=0, le=8_784)]
Text = Annotated[str, Meta(min_length=1, max_length=2_000)]
Name = Annotated[str, Meta(pattern=f"^{NAME_PATTERN}$")]
Alias = Annotated[str, Meta(pattern=f"^{ALIAS_PATTERN}$")]
Texts = Annotated[tuple[Text, ...], Meta(min_length=1, max_length=10_000)]


class Shape(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Common settings of all shapes."""


class Secret(Shape, frozen=True, kw_only=True):
    """Where a secret stands; exactly one of the three.

    Attributes:
        env: Name of an environment variable.
        file: Path of a file, relative to the configuration file.
        value: The secret itself.
    """

    env: Text | None = None
    file: Text | None = None
    value: Text | None = None

    def __repr__(self) -> str:
        return f"Secret(env={self.env!r}, file={self.file!r})"
