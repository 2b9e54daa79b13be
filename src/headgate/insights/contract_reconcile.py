"""What `--json` prints of corrections and of reconciling."""

from headgate.insights.printed import Instant, Printed, Usd


class AdjustmentView(Printed, frozen=True, kw_only=True):
    """A correction of an attempt; `amount` is signed."""

    id: str
    at: Instant
    attempt: str | None
    amount: Usd
    reason: str
    source: str
    by: str


class CellView(Printed, frozen=True, kw_only=True):
    """A provider's model on a day; `told` is null where nobody can say what it is in money."""

    provider: str
    model: str
    day: str
    reason: str
    booked: Usd
    told: Usd | None
    difference: Usd
    calls: int
    told_calls: int | None
    checked_at: Instant


class DriftView(Printed, frozen=True, kw_only=True):
    """How far a provider's reports are from the books, over all days that were compared."""

    provider: str
    days: int
    booked: Usd
    told: Usd
    drift: Usd
    unknown: Usd
    late: int
    checked_at: Instant


class CorrectionsView(Printed, frozen=True, kw_only=True):
    """Corrections of estimated attempts: wanted by the reports, and what became of them."""

    wanted: int
    wanted_amount: Usd
    made: int
    made_amount: Usd
    known: int
    refused: list[str]


class ReconcileView(Printed, frozen=True, kw_only=True):
    """`reconcile --json`; without files `corrections` is null, and cells are those kept."""

    cells: list[CellView]
    drift: list[DriftView]
    corrections: CorrectionsView | None
    trouble: list[str]
