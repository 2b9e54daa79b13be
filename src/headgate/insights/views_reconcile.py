"""From what reconciling found to what `--json` prints; pure."""

from headgate.insights.contract_reconcile import CellView, DriftView
from headgate.insights.drift import Drift
from headgate.records.reconciled import Cell
from headgate.units.instants import to_iso
from headgate.units.money import format_usd


def cell_view(cell: Cell) -> CellView:
    """Return a cell."""
    return CellView(
        provider=cell.provider,
        model=cell.model,
        day=cell.day,
        reason=cell.reason,
        booked=format_usd(cell.booked_nanos),
        told=None if cell.told_nanos is None else format_usd(cell.told_nanos),
        difference=format_usd(cell.difference_nanos),
        calls=cell.calls,
        told_calls=cell.told_calls,
        checked_at=to_iso(cell.checked_ns),
    )


def drift_view(drift: Drift) -> DriftView:
    """Return a provider's drift."""
    return DriftView(
        provider=drift.provider,
        days=drift.days,
        booked=format_usd(drift.booked_nanos),
        told=format_usd(drift.told_nanos),
        drift=format_usd(drift.drift_nanos),
        unknown=format_usd(drift.unknown_nanos),
        late=drift.late,
        checked_at=to_iso(drift.checked_ns),
    )
