"""Calls as the store has them: attempts and refusals, newest first, and one call opened."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, select
from sqlalchemy.engine import RowMapping

from headgate.ledger.rows import (
    cache_of_row,
    chain_of_row,
    lines_of_row,
    usage_of_row,
    windows_of_row,
)
from headgate.ledger.tables import attempts, decision, is_of_call, refusal
from headgate.records.charge import ChargeLine
from headgate.records.journal import CacheNote, DecisionRecord

AttemptState = Literal["held", "measured", "estimated", "unknown", "void"]
CallState = Literal["held", "measured", "estimated", "unknown", "void", "refused"]
REFUSED = "refused"


class Wanted(NamedTuple):
    """Which calls are asked for; None leaves a side open.

    Attributes:
        state: As an attempt's, or `refused`.
        limit: At most so many rows.
    """

    run: str | None = None
    principal: str | None = None
    state: CallState | None = None
    limit: int = 50


class Refused(NamedTuple):
    """Why a call was refused, and by which budget when it was one."""

    code: str
    message: str
    budget: str | None


@dataclass(frozen=True, slots=True)
class Common:
    """What attempts and refused calls have in common.

    Attributes:
        chain: The delegations it was made through, `<agent>~<id>`, the key's own child first.
    """

    call: str
    at_ns: int
    principal: str
    team: str
    key: str
    run: str | None
    asked: str
    chain: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AttemptRow(Common):
    """One attempt of a call; see `records.journal` for what its fields mean.

    Attributes:
        state: `held` while it runs, then `measured`, `estimated`, `unknown` or `void`.
        decision: Number of its decision within `journal`.
        windows: What the hold was set aside on, from the run up to the root.
        ended_ns: None while it runs.
        lines: Charge lines, empty unless measured.
        cache: What the provider's prompt cache did, None when there is nothing to say.
    """

    attempt: str
    journal: str
    decision: int
    windows: tuple[str, ...]
    deployment: str
    dialect: str
    stream: bool
    state: AttemptState
    hold_nanos: int
    posted_nanos: int
    input_tokens_max: int
    output_tokens_max: int
    ended_ns: int | None
    served_model: str | None
    upstream_id: str | None
    upstream_request_id: str | None
    status: int
    reason: str | None
    ttft_us: int | None
    duration_us: int
    usage: dict[str, int]
    lines: tuple[ChargeLine, ...]
    closed_by: str
    cache: CacheNote | None = None


@dataclass(frozen=True, slots=True)
class RefusedRow(Common):
    """One call that was refused before any attempt."""

    refused: Refused


CallRow = AttemptRow | RefusedRow


@dataclass(frozen=True, slots=True)
class OpenedCall:
    """Everything the books say of one call.

    Attributes:
        rows: Its attempts in order, or its refusal alone.
        decisions: By number; a call's attempts share one unless it was routed anew.
    """

    call: str
    rows: tuple[CallRow, ...]
    decisions: dict[int, DecisionRecord]


def list_calls(connection: Connection, wanted: Wanted) -> list[CallRow]:
    """Return attempts and refused calls, newest first."""
    found: list[CallRow] = []
    if wanted.state != REFUSED:
        query = _narrowed(select(attempts), attempts.c, wanted)
        if wanted.state is not None:
            query = query.where(attempts.c.state == wanted.state)
        query = query.order_by(attempts.c.at_ns.desc(), attempts.c.attempt.desc())
        rows = connection.execute(query.limit(wanted.limit)).mappings()
        found += [_attempt_row(row) for row in rows]
    if wanted.state in (None, REFUSED):
        query = _narrowed(select(refusal), refusal.c, wanted).order_by(refusal.c.at_ns.desc())
        rows = connection.execute(query.limit(wanted.limit)).mappings()
        found += [_refused_row(row) for row in rows]
    found.sort(key=_newest_first)
    return found[: wanted.limit]


def open_call(connection: Connection, call: str) -> OpenedCall | None:
    """Return one call with its attempts and decisions, None when there is none of that id."""
    query = select(attempts).where(is_of_call(call)).order_by(attempts.c.at_ns)
    tried = [_attempt_row(row) for row in connection.execute(query).mappings()]
    refused = connection.execute(select(refusal).where(refusal.c.call == call)).mappings()
    rows: tuple[CallRow, ...] = (*tried, *(_refused_row(row) for row in refused))
    if not rows:
        return None
    decisions: dict[int, DecisionRecord] = {}
    for row in tried:
        record = connection.scalar(
            select(decision.c.record).where(
                decision.c.journal == row.journal, decision.c.number == row.decision
            )
        )
        if record is not None:
            decisions[row.decision] = msgspec.json.decode(record, type=DecisionRecord)
    return OpenedCall(call, rows, decisions)


def _narrowed(query: Select[Any], columns: Any, wanted: Wanted) -> Select[Any]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.run is not None:
        conditions.append(columns.run == wanted.run)
    if wanted.principal is not None:
        conditions.append(columns.principal == wanted.principal)
    return query.where(*conditions)


def _newest_first(row: CallRow) -> tuple[int, str]:
    return -row.at_ns, row.call


_ATTEMPT_FIELDS = tuple(AttemptRow.__dataclass_fields__)
_COMMON_FIELDS = tuple(Common.__dataclass_fields__)


def _attempt_row(row: RowMapping) -> AttemptRow:
    fields = {name: row[name] for name in _ATTEMPT_FIELDS}
    fields["chain"] = chain_of_row(row)
    fields["windows"] = windows_of_row(row)
    fields["usage"] = usage_of_row(row)
    fields["lines"] = lines_of_row(row)
    fields["cache"] = cache_of_row(row)
    return AttemptRow(**fields)


def _refused_row(row: RowMapping) -> RefusedRow:
    common = {**{name: row[name] for name in _COMMON_FIELDS}, "chain": chain_of_row(row)}
    return RefusedRow(**common, refused=Refused(row["code"], row["message"], row["budget"]))
