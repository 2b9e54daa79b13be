"""Journal records as rows of the ledger's tables, and back; pure.

Rows are tuples in the order of a table's columns: the fold writes tens of thousands a second,
and a dictionary per row costs more than the insert.
"""

from typing import Any, Final

import msgspec
from msgspec import Raw
from msgspec.structs import astuple
from sqlalchemy.engine import RowMapping

from headgate.ledger import tables
from headgate.ledger.folded import NO_LOSSES, NO_NOTE, NO_USAGE, FoldedHold, FoldedSettle
from headgate.records.charge import ChargeLine, quantities
from headgate.records.journal import (
    CacheNote,
    CallerRecord,
    DecisionRecord,
    RefusalRecord,
    RouteRecord,
    SizingNote,
    VoidRecord,
)
from headgate.records.priority import PRIORITY_USUAL

Row = tuple[object, ...]

_encode: Final = msgspec.json.Encoder().encode
_note: Final = msgspec.json.Decoder(CacheNote).decode
_sizing: Final = msgspec.json.Decoder(SizingNote).decode
_lines: Final = msgspec.json.Decoder(tuple[ChargeLine, ...]).decode
_usage: Final = msgspec.json.Decoder(dict[str, int]).decode
_windows: Final = msgspec.json.Decoder(tuple[str, ...]).decode
_OPEN: Final[Row] = (
    *(None, "held", 0, False, None, None, None, 0, None, None, 0, "", "{}", "[]", None, None),
)

STATUS_USUAL: Final = 200
END_COLUMNS: Final = (
    "ended_ns",
    "state",
    "posted_nanos",
    "final",
    "served_model",
    "upstream_id",
    "upstream_request_id",
    "status",
    "reason",
    "ttft_us",
    "duration_us",
    "closed_by",
    "usage",
    "lines",
    "cache",
    "quarantined",
)
"""What the end of an attempt sets, in the order of `end_values` and of the table's columns."""


def usual_hold(hold: FoldedHold) -> Row | None:
    """Return what nearly all holds differ in but `stream`, None for one that differs in more.

    These are the columns that `store_usual.USUAL_HOLD` does not name. To make a whole row, look
    whether it is a usual one and cut it down costs as much as to decode both records.
    """
    if hold.session is not None or hold.request_id is not None or hold.sizing is not NO_NOTE:
        return None
    if hold.waited_us or hold.extensions or hold.choices != 1 or hold.lost is not NO_LOSSES:
        return None
    if hold.priority != PRIORITY_USUAL:
        return None
    # As they are: compiled, a number of a known type is unpacked, and packed again for the row.
    it: Any = hold
    return (
        it.attempt,
        it.at_ns,
        it.amount_nanos,
        it.caller,
        it.route,
        it.decision,
        it.input_tokens_max,
        it.output_tokens_max,
    )


def usual_end(end: FoldedSettle | VoidRecord | None) -> Row | None:
    """Return what nearly all ends differ in but the state, None for one that differs in more."""
    if type(end) is not FoldedSettle:
        return None
    if end.reason is not None or end.quarantined is not None or end.cache is not NO_NOTE:
        return None
    if not end.final or end.status != STATUS_USUAL or end.usage is not NO_USAGE:
        return None
    if end.by != "worker":
        return None
    it: Any = end
    return (
        it.at_ns,
        it.amount_nanos,
        it.served_model,
        it.upstream_id,
        it.upstream_request_id,
        it.ttft_us,
        it.duration_us,
        str(end.lines, "utf-8"),
    )


def attempt_values(hold: FoldedHold, end: FoldedSettle | VoidRecord | None) -> Row:
    """Return the row of an attempt; the end is None while it has not ended."""
    *fields, stream, choices, _, priority, waited_us, session = astuple(hold)[:-3]
    lost, sizing = str(hold.lost, "utf-8"), _text_or_none(hold.sizing)
    *ended, quarantined = end_values(end)
    begun = (*fields, choices, stream, *ended, lost, priority, waited_us, session)
    return (*begun, quarantined, sizing, hold.extensions, hold.request_id)


def _text_or_none(note: Raw) -> str | None:
    return None if note is NO_NOTE else str(note, "utf-8")


def end_values(end: FoldedSettle | VoidRecord | None) -> Row:
    """Return what the end of an attempt says of it; None while it has not ended."""
    if end is None:
        return _OPEN
    if type(end) is not FoldedSettle:
        nothing = (None, None, None, 0, end.reason, None, 0, "worker", "{}", "[]", None, None)
        return (end.at_ns, "void", 0, end.final, *nothing)
    texts = (str(end.usage, "utf-8"), str(end.lines, "utf-8"), _text_or_none(end.cache))
    return (
        *(end.at_ns, end.state, end.amount_nanos, end.final),
        *(end.served_model, end.upstream_id, end.upstream_request_id),
        *(end.status, end.reason, end.ttft_us, end.duration_us, end.by),
        *(*texts, end.quarantined),
    )


def caller_values(id_: int, record: CallerRecord, journal: str) -> Row:
    """Return the row of a caller."""
    who = (record.principal, record.team, record.key, record.run)
    lists = (record.windows, record.chain, record.tags, record.waived)
    return (id_, journal, record.number, *who, *(_encode(each).decode() for each in lists))


def route_values(id_: int, record: RouteRecord, journal: str) -> Row:
    """Return the row of a route."""
    return (id_, journal, *astuple(record))


def refusal_values(record: RefusalRecord) -> Row:
    """Return the row of a refusal."""
    chain = _encode(record.chain).decode()
    *columns, _ = tables.refusal.columns
    return (*(getattr(record, column.name) for column in columns), chain)


def decision_values(record: DecisionRecord, journal: str) -> Row:
    """Return the row of a decision; the record itself is kept as its JSON."""
    return (journal, record.number, record.at_ns, _encode(record).decode())


def hold_of_row(row: RowMapping) -> FoldedHold:
    """Return the hold an open attempt row was made of."""
    fields = {name: row[name] for name in FoldedHold.__struct_fields__ if name in row}
    fields["lost"] = Raw(str(row["lost"]).encode())
    fields["sizing"] = NO_NOTE if row["sizing"] is None else Raw(str(row["sizing"]).encode())
    return FoldedHold(**fields, amount_nanos=row["hold_nanos"])


def windows_of_row(row: RowMapping) -> tuple[str, ...]:
    """Return the windows of a caller's row."""
    return _windows(row["windows"])


def chain_of_row(row: RowMapping) -> tuple[str, ...]:
    """Return the delegations of a caller's or a refusal's row."""
    return _windows(row["chain"])


def tags_of_row(row: RowMapping) -> tuple[str, ...]:
    """Return the tags of a caller's row."""
    return _windows(row["tags"])


def waived_of_row(row: RowMapping) -> tuple[str, ...]:
    """Return the shadow windows that a caller's row is not held on."""
    return _windows(row["waived"])


def lines_of_row(row: RowMapping) -> tuple[ChargeLine, ...]:
    """Return the charge lines of an attempt's row."""
    return _lines(row["lines"])


def usage_of_row(row: RowMapping) -> dict[str, int]:
    """Return what was metered of an attempt, by meter: its lines have it, or it is said apart."""
    return _usage(row["usage"]) or quantities(lines_of_row(row))


def sizing_of_row(row: RowMapping) -> SizingNote | None:
    """Return how an expected hold was sized, None for one that covers the whole limit."""
    return None if row["sizing"] is None else _sizing(row["sizing"])


def cache_of_row(row: RowMapping) -> CacheNote | None:
    """Return what the provider's prompt cache did, None when there is nothing to say."""
    return None if row["cache"] is None else _note(row["cache"])
