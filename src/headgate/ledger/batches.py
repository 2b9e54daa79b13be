"""A batch in the books: a hold and its end for each line, as one journal; pure.

All of it is written when the batch has ended. Until then its money is an allotment, so each line's
hold is on that, and is followed by its own end at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from headgate.dialects.batches.lines import name_of
from headgate.records.batch import Batch, BatchLine
from headgate.records.charge import ChargeLine, State
from headgate.records.journal import (
    CallerRecord,
    CandidateRecord,
    DecisionRecord,
    HoldRecord,
    Record,
    RouteRecord,
    SettleRecord,
)
from headgate.units.ids import attempt_id

POLICY = "batch"
"""What the decision of a batch is named by: nothing was ranked."""

TEXT_CHARS_MAX = 128


class End(NamedTuple):
    """What a line came to.

    Attributes:
        usage: By meter, where the charge lines do not have it.
        reason: Why it is not measured, or how it failed; None for a plain success.
    """

    amount_nanos: int
    state: State
    status: int = 0
    reason: str | None = None
    lines: tuple[ChargeLine, ...] = ()
    usage: Mapping[str, int] = {}
    served_model: str | None = None
    upstream_id: str | None = None
    reply_id: str | None = None


def records(
    batch: Batch, lines: Sequence[BatchLine], ends: Mapping[int, End], at_ns: int
) -> Iterator[Record]:
    """Yield what is written of a batch.

    Args:
        batch: It.
        lines: All of its lines.
        ends: What each came to, by its number.
        at_ns: When it is settled; each line began when the batch was made.
    """
    who = (batch.principal, batch.team, batch.key)
    above = (*batch.parents, *batch.above)
    yield CallerRecord(1, *who, (batch.window,), batch.run, (), above, batch.tags, batch.waived)
    numbers: dict[tuple[str, str, str], int] = {}
    for line in lines:
        route = (line.asked, line.deployment, line.dialect)
        if route not in numbers:
            number = numbers[route] = len(numbers) + 1
            yield DecisionRecord(
                number,
                batch.created_ns,
                line.asked,
                POLICY,
                line.input_tokens_max,
                line.output_tokens_max,
                (CandidateRecord(line.deployment, place=1),),
            )
            yield RouteRecord(number, *route)
        yield _hold(batch, line, numbers[route])
        yield _settle(batch, line, ends[line.number], at_ns)


def _attempt(batch: Batch, line: BatchLine) -> str:
    return attempt_id(name_of(batch.call, line.number), 1)


def _hold(batch: Batch, line: BatchLine, route: int) -> HoldRecord:
    return HoldRecord(
        _attempt(batch, line),
        batch.created_ns,
        line.hold_nanos,
        1,
        route,
        route,
        line.input_tokens_max,
        line.output_tokens_max,
        line.choices,
        priority="batch",
        session=batch.id,
        request_id=line.custom_id,
    )


def _settle(batch: Batch, line: BatchLine, end: End, at_ns: int) -> SettleRecord:
    return SettleRecord(
        _attempt(batch, line),
        at_ns,
        end.amount_nanos,
        end.state,
        end.lines,
        {} if end.lines else dict(end.usage),
        _cut(end.served_model),
        _cut(end.upstream_id),
        _cut(end.reply_id),
        end.status,
        end.reason,
        None,
        (at_ns - batch.created_ns) // 1_000,
    )


def _cut(text: str | None) -> str | None:
    return None if text is None else text[:TEXT_CHARS_MAX]
