"""Journal records as folding reads them: what it only passes on stays the text it is.

A fold reads tens of thousands of records a second. Of windows, usage and charge lines it needs
nothing but the text for the row, so they are not taken apart and put together again. The fields
are those of `headgate.records.journal`, in the same order; a test holds them together.
"""

import msgspec
from msgspec import Raw, Struct

from headgate.records.charge import State
from headgate.records.journal import (
    DecisionRecord,
    RefusalRecord,
    SealedRecord,
    SegmentRecord,
    VoidRecord,
)

EMPTY_LINES = Raw(b"[]")
EMPTY_USAGE = Raw(b"{}")
NO_NOTE = Raw(b"null")


class FoldedHold(Struct, frozen=True, tag_field="k", tag="hold", gc=False):
    """A `HoldRecord`; `windows` and `lost` are JSON arrays."""

    attempt: str
    call: str
    at_ns: int
    amount_nanos: int
    windows: Raw
    principal: str
    team: str
    key: str
    asked: str
    deployment: str
    dialect: str
    decision: int
    input_tokens_max: int
    output_tokens_max: int
    choices: int = 1
    stream: bool = False
    run: str | None = None
    via: str | None = None
    lost: Raw = EMPTY_LINES


class FoldedSettle(Struct, frozen=True, tag_field="k", tag="settle", gc=False):
    """A `SettleRecord`; `lines` is a JSON array, `usage` and `cache` are JSON objects."""

    attempt: str
    call: str
    at_ns: int
    amount_nanos: int
    state: State
    lines: Raw = EMPTY_LINES
    usage: Raw = EMPTY_USAGE
    served_model: str | None = None
    upstream_id: str | None = None
    upstream_request_id: str | None = None
    status: int = 0
    reason: str | None = None
    ttft_us: int | None = None
    duration_us: int = 0
    final: bool = True
    by: str = "worker"
    reported_nanos: int | None = None
    cache: Raw = NO_NOTE


Folded = (
    SegmentRecord
    | DecisionRecord
    | FoldedHold
    | FoldedSettle
    | VoidRecord
    | RefusalRecord
    | SealedRecord
)

decode = msgspec.json.Decoder(Folded).decode
_windows = msgspec.json.Decoder(tuple[str, ...]).decode


def windows_of(hold: FoldedHold) -> tuple[str, ...]:
    """Return the keys of the windows a hold is on."""
    return _windows(hold.windows)
