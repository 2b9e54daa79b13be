"""What all types that `--json` prints have in common."""

from typing import Annotated

from msgspec import Meta, Struct

Usd = Annotated[str, Meta(pattern=r"^-?[0-9]+\.[0-9]{9}$")]
Instant = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z$")]


class Printed(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Common settings of all that is printed."""
