"""Journal records as folding reads them: what the store does not need is passed over.

A fold reads tens of thousands of records a second. Usage, charge lines and notes are not taken
apart and put together again: they stay the text they are. The fields are those of the records in
`headgate.records.journal`; a test holds them together. Those that most records have stand first, in
the order in which they are written, for a decoder looks for each field behind the last one.
"""

import msgspec
from msgspec import Raw, Struct

from headgate.records.charge import State
from headgate.records.journal import (
    AdjustmentRecord,
    CallerRecord,
    DecisionRecord,
    ExtendRecord,
    RefusalRecord,
    RouteRecord,
    SealedRecord,
    SegmentRecord,
    VoidRecord,
)
from headgate.records.priority import PRIORITY_USUAL

NO_LINES = NO_LOSSES = Raw(b"[]")
NO_USAGE = Raw(b"{}")
NO_NOTE = Raw(b"null")


class FoldedHold(Struct, tag_field="k", tag="hold", gc=False):
    """A `HoldRecord` with its `ExtendRecord`s; `lost` is a JSON array, `sizing` an object or null.

    Attributes:
        amount_nanos: With what it was extended by.
        extensions: How often it was; no record has it.
        caller: Its number in the journal; folding puts the id that the store knows it by there.
        route: The same.
    """

    attempt: str
    at_ns: int
    amount_nanos: int
    caller: int
    route: int
    decision: int
    input_tokens_max: int
    output_tokens_max: int
    stream: bool = False
    choices: int = 1
    lost: Raw = NO_LOSSES
    priority: str = PRIORITY_USUAL
    waited_us: int = 0
    session: str | None = None
    sizing: Raw = NO_NOTE
    request_id: str | None = None
    extensions: int = 0


class FoldedSettle(Struct, frozen=True, tag_field="k", tag="settle", gc=False):
    """A `SettleRecord`; `lines` is a JSON array, `usage` and `cache` are JSON objects."""

    attempt: str
    at_ns: int
    amount_nanos: int
    state: State
    lines: Raw = NO_LINES
    served_model: str | None = None
    upstream_id: str | None = None
    upstream_request_id: str | None = None
    status: int = 0
    ttft_us: int | None = None
    duration_us: int = 0
    usage: Raw = NO_USAGE
    reason: str | None = None
    final: bool = True
    by: str = "worker"
    cache: Raw = NO_NOTE
    quarantined: str | None = None


Folded = (
    SegmentRecord
    | DecisionRecord
    | CallerRecord
    | RouteRecord
    | FoldedHold
    | ExtendRecord
    | FoldedSettle
    | VoidRecord
    | RefusalRecord
    | AdjustmentRecord
    | SealedRecord
)

decode = msgspec.json.Decoder(Folded).decode
