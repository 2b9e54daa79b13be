"""Journal records as rows of the ledger's tables, and back; pure."""

import msgspec

from headgate.ledger.fold import Ended, posted
from headgate.records.journal import DecisionRecord, HoldRecord, RefusalRecord, SettleRecord

Row = dict[str, object]


def held_row(hold: HoldRecord, journal: str) -> Row:
    """Return the attempt row of a hold that is still open."""
    return {
        "attempt": hold.attempt,
        "call": hold.call,
        "journal": journal,
        "at_ns": hold.at_ns,
        "principal": hold.principal,
        "team": hold.team,
        "key": hold.key,
        "run": hold.run,
        "asked": hold.asked,
        "deployment": hold.deployment,
        "dialect": hold.dialect,
        "stream": hold.stream,
        "decision": hold.decision,
        "windows": msgspec.json.encode(hold.windows).decode(),
        "input_tokens_max": hold.input_tokens_max,
        "output_tokens_max": hold.output_tokens_max,
        "choices": hold.choices,
        "hold_nanos": hold.amount_nanos,
        **_OPEN,
    }


_OPEN: Row = {
    "ended_ns": None,
    "state": "held",
    "posted_nanos": 0,
    "final": False,
    "served_model": None,
    "upstream_id": None,
    "upstream_request_id": None,
    "status": 0,
    "reason": None,
    "ttft_us": None,
    "duration_us": 0,
    "usage": "{}",
    "lines": "[]",
    "closed_by": "",
}


def end_row(ended: Ended) -> Row:
    """Return the columns that the end of an attempt sets."""
    end = ended.end
    if not isinstance(end, SettleRecord):
        return {
            **_OPEN,
            "ended_ns": end.at_ns,
            "state": "void",
            "final": end.final,
            "reason": end.reason,
            "closed_by": "worker",
        }
    return {
        "ended_ns": end.at_ns,
        "state": end.state,
        "posted_nanos": posted(end),
        "final": end.final,
        "served_model": end.served_model,
        "upstream_id": end.upstream_id,
        "upstream_request_id": end.upstream_request_id,
        "status": end.status,
        "reason": end.reason,
        "ttft_us": end.ttft_us,
        "duration_us": end.duration_us,
        "usage": msgspec.json.encode(end.usage).decode(),
        "lines": msgspec.json.encode(end.lines).decode(),
        "closed_by": end.by,
    }


def refusal_row(record: RefusalRecord) -> Row:
    """Return the row of a refusal."""
    return {name: getattr(record, name) for name in RefusalRecord.__struct_fields__}


def decision_row(record: DecisionRecord, journal: str) -> Row:
    """Return the row of a decision; the record itself is kept as its JSON."""
    return {
        "journal": journal,
        "number": record.number,
        "at_ns": record.at_ns,
        "record": msgspec.json.encode(record).decode(),
    }


def hold_of_row(row: Row) -> HoldRecord:
    """Return the hold an open attempt row was made of."""
    fields = {name: row[name] for name in HoldRecord.__struct_fields__ if name in row}
    fields["amount_nanos"] = row["hold_nanos"]
    fields["windows"] = msgspec.json.decode(str(row["windows"]), type=tuple[str, ...])
    return msgspec.convert(fields, HoldRecord)
