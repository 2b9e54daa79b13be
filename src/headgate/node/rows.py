"""The rows that messages about money and places are made of; arrays on the wire."""

from msgspec import Struct


class NeedRow(Struct, frozen=True, array_like=True):
    """What a call waits for; see `ledger.line.Need`."""

    id: int
    windows: tuple[str, ...]
    amount_nanos: int
    shorten: bool


class OutcomeRow(Struct, frozen=True, array_like=True):
    """What became of a need; see `ledger.line.Outcome`."""

    need: int
    window: str | None
    left_nanos: int
    contended: bool


class GrantRow(Struct, frozen=True, array_like=True):
    """What was lent of a window, cumulative, and what it was before."""

    total_nanos: int
    before_nanos: int


class WantedRow(Struct, frozen=True, array_like=True):
    """Places at a deployment: so many are used or waited for, so many are given back."""

    deployment: str
    wanted: int
    returned: int
