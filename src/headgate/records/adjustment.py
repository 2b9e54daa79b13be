"""Corrections as they are asked of the steward, and what it answers."""

from typing import Final

from msgspec import Struct

ID_MAX: Final = 200
SOURCE_MAX: Final = 500
REASON_MAX: Final = 64


class Adjustment(Struct, frozen=True):
    """A correction that is wanted; see `records.journal.AdjustmentRecord` for its fields.

    Attributes:
        id: Two wanted with one id are one correction, whenever they are asked for.
        attempt: What is corrected; its windows are those of its hold.
        windows: The windows to move where no attempt is named; else empty.
    """

    id: str
    amount_nanos: int
    reason: str
    source: str
    attempt: str | None = None
    windows: tuple[str, ...] = ()


class RefusedAdjustment(Struct, frozen=True):
    """A correction that was not made, and why, in a sentence."""

    id: str
    message: str


class Adjusted(Struct, frozen=True):
    """What became of corrections.

    Attributes:
        made: How many were made now.
        amount_nanos: What they add up to.
        known: How many had been made before: the same ones.
        refused: The rest.
    """

    made: int = 0
    amount_nanos: int = 0
    known: int = 0
    refused: tuple[RefusedAdjustment, ...] = ()
