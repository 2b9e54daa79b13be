"""Calls as the store has them: rows of attempts and refusals, and one call opened."""

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import msgspec
from sqlalchemy import Connection, select
from sqlalchemy.engine import RowMapping

from headgate.ledger.rows import (
    cache_of_row,
    chain_of_row,
    lines_of_row,
    sizing_of_row,
    tags_of_row,
    usage_of_row,
    waived_of_row,
    windows_of_row,
)
from headgate.ledger.store_adjustments import made_of_call
from headgate.ledger.tables import attempts, decision, is_of_call, refusal
from headgate.records.charge import HEDGE_LOST, ChargeLine
from headgate.records.journal import (
    AdjustmentRecord,
    CacheNote,
    CandidateRecord,
    DecisionRecord,
    SizingNote,
)
from headgate.records.priority import PRIORITY_USUAL
from headgate.units.usage import INPUT_METERS, OUTPUT_METERS

AttemptState = Literal["held", "measured", "estimated", "unknown", "void"]
CallState = Literal["held", "measured", "estimated", "unknown", "void", "refused"]
STATES: tuple[CallState, ...] = get_args(CallState)
REFUSED: CallState = "refused"

ATTEMPTS_PER_CALL_MAX = 64


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
        via: The dialect it was translated to, None when the deployment spoke its own.
        lost: JSON paths in the client's body of what the translation left out.
        waited_us: How long the call had waited for places when it was sent.
        ended_ns: None while it runs.
        lines: Charge lines, empty unless measured.
        final: Whether no other attempt of the call followed it.
        cache: What the provider's prompt cache did, None when there is nothing to say.
        tags: What the call is tagged with, `NAME=VALUE` each.
        waived: The shadow windows that would have refused it.
        sizing: How an expected hold was sized, None for one that covered the whole limit.
        extensions: How often the hold was extended.
        adjusted_nanos: The sum of its corrections; what it cost is that and `posted_nanos`.
        quarantined: What the reply gave as its usage, where that could not be right; else None.
        request_id: What its client calls the request, None when it does not say.
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
    choices: int
    via: str | None
    lost: tuple[str, ...]
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
    priority: str = PRIORITY_USUAL
    waited_us: int = 0
    session: str | None = None
    tags: tuple[str, ...] = ()
    waived: tuple[str, ...] = ()
    sizing: SizingNote | None = None
    extensions: int = 0
    final: bool = True
    adjusted_nanos: int = 0
    quarantined: str | None = None
    request_id: str | None = None

    @property
    def id(self) -> str:
        """The attempt's id."""
        return self.attempt

    @property
    def number(self) -> int:
        """Which attempt of its call it is, counted from 1."""
        tail = self.attempt.rpartition(".")[2]
        return int(tail) if tail.isdecimal() else 1

    @property
    def is_failure(self) -> bool:
        """Whether the provider failed, so that it is measured at nothing."""
        return self.state == "measured" and self.reason is not None and not self.posted_nanos

    @property
    def input_tokens(self) -> int:
        """All tokens of the prompt."""
        return sum(self.usage.get(meter, 0) for meter in INPUT_METERS)

    @property
    def cached_tokens(self) -> int:
        """The tokens of the prompt that were read from the provider's cache."""
        return self.usage.get("cache_read", 0)

    @property
    def output_tokens(self) -> int:
        """All generated tokens."""
        return sum(self.usage.get(meter, 0) for meter in OUTPUT_METERS)


@dataclass(frozen=True, slots=True)
class RefusedRow(Common):
    """One call that was refused before any attempt."""

    refused: Refused

    @property
    def id(self) -> str:
        """The call's id: it has no attempt."""
        return self.call


CallRow = AttemptRow | RefusedRow


@dataclass(frozen=True, slots=True)
class OpenedCall:
    """Everything the books say of one call.

    Attributes:
        rows: Its attempts in order, or its refusal alone.
        decisions: By number; a call's attempts share one unless it was routed anew.
        adjustments: Corrections of its attempts, oldest first.
    """

    call: str
    rows: tuple[CallRow, ...]
    decisions: dict[int, DecisionRecord]
    adjustments: tuple[AdjustmentRecord, ...] = ()

    @property
    def attempts(self) -> tuple[AttemptRow, ...]:
        """The rows that are attempts."""
        return tuple(row for row in self.rows if isinstance(row, AttemptRow))

    @property
    def refusals(self) -> tuple[RefusedRow, ...]:
        """The rows that are refusals."""
        return tuple(row for row in self.rows if isinstance(row, RefusedRow))

    @property
    def posted_nanos(self) -> int:
        """What was posted when its attempts ended."""
        return sum(row.posted_nanos for row in self.attempts)

    @property
    def adjusted_nanos(self) -> int:
        """What corrections have added to that since."""
        return sum(row.adjusted_nanos for row in self.attempts)

    @property
    def told(self) -> AttemptRow | None:
        """The attempt by which the call ended: the last to end that did not lose to another.

        None when it was refused before any.
        """
        ended = [row for row in self.attempts if row.reason != HEDGE_LOST]
        return max(ended, key=lambda row: (row.ended_ns or 0, row.number), default=None)

    @property
    def is_running(self) -> bool:
        """Whether an attempt of it still holds money."""
        return any(row.state == "held" for row in self.attempts)


def ranked(decision: DecisionRecord) -> tuple[CandidateRecord, ...]:
    """Return the candidates: the eligible ones in the policy's order, the excluded ones last."""
    return tuple(sorted(decision.candidates, key=lambda each: each.excluded is not None))


def open_call(connection: Connection, call: str) -> OpenedCall | None:
    """Return one call with its attempts and decisions, None when there is none of that id."""
    query = select(attempts).where(is_of_call(call)).limit(ATTEMPTS_PER_CALL_MAX)
    query = query.order_by(attempts.c.at_ns, attempts.c.attempt)
    tried = [attempt_row(row) for row in connection.execute(query).mappings()]
    refused = connection.execute(select(refusal).where(refusal.c.call == call)).mappings()
    rows: tuple[CallRow, ...] = (*tried, *(refused_row(row) for row in refused))
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
    return OpenedCall(call, rows, decisions, tuple(made_of_call(connection, call)))


_ATTEMPT_FIELDS = tuple(AttemptRow.__dataclass_fields__)
_COMMON_FIELDS = tuple(Common.__dataclass_fields__)


def attempt_row(row: RowMapping) -> AttemptRow:
    """Return a row of the attempt table."""
    fields = {name: row[name] for name in _ATTEMPT_FIELDS}
    fields["chain"] = chain_of_row(row)
    fields["lost"] = msgspec.json.decode(row["lost"], type=tuple[str, ...])
    fields["windows"] = windows_of_row(row)
    fields["tags"], fields["waived"] = tags_of_row(row), waived_of_row(row)
    fields["usage"] = usage_of_row(row)
    fields["lines"] = lines_of_row(row)
    fields["cache"] = cache_of_row(row)
    fields["sizing"] = sizing_of_row(row)
    return AttemptRow(**fields)


def refused_row(row: RowMapping) -> RefusedRow:
    """Return a row of the refusal table."""
    common = {**{name: row[name] for name in _COMMON_FIELDS}, "chain": chain_of_row(row)}
    return RefusedRow(**common, refused=Refused(row["code"], row["message"], row["budget"]))
