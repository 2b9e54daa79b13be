"""What all tables of headgate.toml are made of."""

from typing import Annotated

from msgspec import Meta, Struct

Text = Annotated[str, Meta(min_length=1, max_length=2_000)]
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
