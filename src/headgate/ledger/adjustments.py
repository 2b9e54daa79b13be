"""Which corrections may be made, and what they move; pure.

A correction never edits what was posted: it is a signed difference beside it. What is left of an
attempt after all its corrections is never below nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from headgate.records.adjustment import (
    ID_MAX,
    REASON_MAX,
    SOURCE_MAX,
    Adjustment,
    RefusedAdjustment,
)
from headgate.records.journal import AdjustmentRecord
from headgate.units.money import NANOS_PER_USD, USD_MAX, format_usd

AMOUNT_NANOS_MAX = int(USD_MAX) * NANOS_PER_USD
WINDOWS_MAX = 64


class Corrected(NamedTuple):
    """An attempt that is to be corrected.

    Attributes:
        net_nanos: What is posted with all corrections so far.
    """

    state: str
    windows: tuple[str, ...]
    net_nanos: int


@dataclass(slots=True)
class Plan:
    """What is to be written, and what is not.

    Attributes:
        known: How many were made before.
    """

    records: list[AdjustmentRecord] = field(default_factory=list)
    known: int = 0
    refused: list[RefusedAdjustment] = field(default_factory=list)


def plan(
    wanted: Sequence[Adjustment],
    made: Mapping[str, AdjustmentRecord],
    attempts: Mapping[str, Corrected],
    *,
    by: str,
    at_ns: int,
) -> Plan:
    """Decide which corrections are made.

    Args:
        wanted: In the order they are asked for.
        made: Those that were made before, by id.
        attempts: What is known of the attempts they name.
        by: Who asks.
        at_ns: When.
    """
    found = Plan()
    made = dict(made)
    net = {attempt: each.net_nanos for attempt, each in attempts.items()}
    for each in wanted:
        before = made.get(each.id)
        if before is not None and _is_same(before, each):
            found.known += 1
            continue
        why = _objection(each, before, attempts, net)
        if why is not None:
            found.refused.append(RefusedAdjustment(each.id, why))
            continue
        windows = each.windows if each.attempt is None else attempts[each.attempt].windows
        record = made[each.id] = AdjustmentRecord(
            id=each.id,
            at_ns=at_ns,
            amount_nanos=each.amount_nanos,
            windows=windows,
            reason=each.reason,
            source=each.source,
            by=by,
            attempt=each.attempt,
        )
        found.records.append(record)
        if each.attempt is not None:
            net[each.attempt] += each.amount_nanos
    return found


def _is_same(before: AdjustmentRecord, wanted: Adjustment) -> bool:
    return (before.attempt, before.amount_nanos) == (wanted.attempt, wanted.amount_nanos) and (
        wanted.attempt is not None or before.windows == wanted.windows
    )


def _objection(
    wanted: Adjustment,
    before: AdjustmentRecord | None,
    attempts: Mapping[str, Corrected],
    net: Mapping[str, int],
) -> str | None:
    """Say why a correction is not made, None when it is."""
    if before is not None:
        return f"{wanted.id} was made before, by {format_usd(before.amount_nanos)} USD."
    if not wanted.amount_nanos or abs(wanted.amount_nanos) > AMOUNT_NANOS_MAX:
        return "A correction is not 0, and not above what an amount may be."
    if not 0 < len(wanted.id) <= ID_MAX or not 0 < len(wanted.reason) <= REASON_MAX:
        return f"It needs an id (at most {ID_MAX}) and a reason (at most {REASON_MAX} characters)."
    if len(wanted.source) > SOURCE_MAX:
        return f"Its source is longer than {SOURCE_MAX} characters."
    if wanted.attempt is None:
        fits = 0 < len(wanted.windows) <= WINDOWS_MAX and all("@" in key for key in wanted.windows)
        return None if fits else "It names neither an attempt nor windows, or too many of them."
    found = attempts.get(wanted.attempt)
    if found is None:
        return f"There is no attempt {wanted.attempt}."
    if found.state == "held":
        return f"{wanted.attempt} has not ended."
    left = net[wanted.attempt] + wanted.amount_nanos
    if left < 0:
        return f"{wanted.attempt} would be posted below nothing, at {format_usd(left)} USD."
    return None


class Adjustments:
    """Corrections as a replay of journals meets them: each id counts once."""

    def __init__(self) -> None:
        self.made: dict[str, AdjustmentRecord] = {}

    def take(self, records: Sequence[AdjustmentRecord]) -> Iterator[AdjustmentRecord]:
        """Yield those that count: whose id was not there before."""
        for record in records:
            if self.made.setdefault(record.id, record) is record:
                yield record
