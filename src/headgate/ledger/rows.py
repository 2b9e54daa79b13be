"""Journal records as rows of the ledger's tables, and back; pure.

Rows are tuples in the order of a table's columns: the fold writes tens of thousands a second,
and a dictionary per row costs more than the insert. Truth
values are 0 and 1, which the driver takes as they are.
"""

import msgspec
from msgspec import Raw
from sqlalchemy.engine import RowMapping

from headgate.ledger import tables
from headgate.ledger.folded import FoldedHold, FoldedSettle
from headgate.records.journal import DecisionRecord, RefusalRecord, VoidRecord

Row = tuple[object, ...]

_encode = msgspec.json.Encoder().encode
_OPEN: Row = (None, "held", 0, 0, None, None, None, 0, None, None, 0, "{}", "[]", "")

END_COLUMNS = (
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
    "usage",
    "lines",
    "closed_by",
)
"""What the end of an attempt sets, in the order of `end_values`."""


def hold_values(hold: FoldedHold, journal: str) -> Row:
    """Return what a hold says of an attempt."""
    return (
        hold.attempt,
        hold.call,
        journal,
        hold.at_ns,
        hold.principal,
        hold.team,
        hold.key,
        hold.run,
        hold.asked,
        hold.deployment,
        hold.dialect,
        int(hold.stream),
        hold.decision,
        str(hold.windows, "utf-8"),
        hold.input_tokens_max,
        hold.output_tokens_max,
        hold.choices,
        hold.amount_nanos,
        hold.via,
        str(hold.lost, "utf-8"),
    )


def end_values(end: FoldedSettle | VoidRecord | None) -> Row:
    """Return what the end of an attempt says of it; None while it has not ended."""
    if end is None:
        return _OPEN
    if isinstance(end, VoidRecord):
        empty = (None, None, None, 0, end.reason, None, 0, "{}", "[]", "worker")
        return (end.at_ns, "void", 0, int(end.final), *empty)
    return (
        end.at_ns,
        end.state,
        end.amount_nanos,
        int(end.final),
        end.served_model,
        end.upstream_id,
        end.upstream_request_id,
        end.status,
        end.reason,
        end.ttft_us,
        end.duration_us,
        str(end.usage, "utf-8"),
        str(end.lines, "utf-8"),
        end.by,
    )


def refusal_values(record: RefusalRecord) -> Row:
    """Return the row of a refusal."""
    return tuple(getattr(record, column.name) for column in tables.refusal.columns)


def decision_values(record: DecisionRecord, journal: str) -> Row:
    """Return the row of a decision; the record itself is kept as its JSON."""
    return (journal, record.number, record.at_ns, _encode(record).decode())


def hold_of_row(row: RowMapping) -> FoldedHold:
    """Return the hold an open attempt row was made of."""
    fields = {name: row[name] for name in FoldedHold.__struct_fields__ if name in row}
    fields["amount_nanos"] = row["hold_nanos"]
    fields["windows"] = Raw(str(row["windows"]).encode())
    fields["lost"] = Raw(str(row["lost"]).encode())
    fields["stream"] = bool(row["stream"])
    return FoldedHold(**fields)
