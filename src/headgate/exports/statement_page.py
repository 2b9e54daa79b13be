"""A statement as it is handed out: as JSON, as lines of CSV, and as a page by itself."""

from decimal import ROUND_HALF_UP, Decimal

from jinja2 import Environment, PackageLoader, StrictUndefined

from headgate.exports.files import cell, csv_bytes
from headgate.exports.statement import Statement
from headgate.insights.contract_statement import (
    ChargedView,
    CorrectionView,
    LimitView,
    RefusedView,
    SpenderView,
    StatementView,
)
from headgate.units.instants import to_iso
from headgate.units.money import format_usd

CENT = Decimal("0.01")

CSV_COLUMNS = ("kind", "name", "meter", "quantity", "amount_usd")


def view(of: Statement) -> StatementView:
    """Return a statement as JSON has it, every amount exact."""
    assert of.stretch.from_ns is not None
    assert of.stretch.until_ns is not None
    return StatementView(
        organisation=of.organisation,
        team=of.team,
        month=of.month,
        since=to_iso(of.stretch.from_ns),
        until=to_iso(of.stretch.until_ns),
        opening=format_usd(of.opening_nanos),
        charged=format_usd(of.charged_nanos),
        estimated=format_usd(of.estimated_nanos),
        corrected=format_usd(of.corrected_nanos),
        total=format_usd(of.total_nanos),
        closing=format_usd(of.closing_nanos),
        charges=[
            ChargedView(
                model=each.model,
                meter=each.meter,
                quantity=each.quantity,
                amount=format_usd(each.amount_nanos),
            )
            for each in of.charges
        ],
        principals=[
            SpenderView(
                principal=each.principal, calls=each.calls, amount=format_usd(each.amount_nanos)
            )
            for each in of.principals
        ],
        corrections=[
            CorrectionView(
                id=each.id,
                at=to_iso(each.at_ns),
                call=each.of.call if each.of else None,
                reason=each.reason,
                source=each.source,
                amount=format_usd(each.amount_nanos),
            )
            for each in of.corrections
        ],
        refused=[RefusedView(code=code, calls=calls) for code, calls in of.refused],
        budgets=[
            LimitView(
                budget=each.budget,
                period=each.period,
                limit=format_usd(each.limit_nanos),
                posted=format_usd(each.posted_nanos),
            )
            for each in of.budgets
        ],
        running=of.running,
    )


def as_csv(shown: StatementView) -> bytes:
    """Return a statement as lines that add up: opening, charges and corrections, then closing."""
    rows: list[tuple[str, str, str | None, int | None, str]] = [
        ("opening", "", None, None, shown.opening)
    ]
    rows += [
        ("charge", each.model, each.meter, each.quantity, each.amount) for each in shown.charges
    ]
    rows += [("correction", each.id, None, None, each.amount) for each in shown.corrections]
    rows.append(("closing", "", None, None, shown.closing))
    return csv_bytes(CSV_COLUMNS, [[cell(value) for value in row] for row in rows])


def as_page(shown: StatementView) -> str:
    """Return a statement as one HTML page, without scripts and without anything from elsewhere."""
    environment = Environment(
        loader=PackageLoader("headgate.exports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cents"] = cents
    return environment.get_template("statement.html").render(of=shown)


def cents(amount: str) -> str:
    """Return an amount rounded for show, half up, as `1,234.57`; the exact one stands beside it."""
    return f"{Decimal(amount).quantize(CENT, ROUND_HALF_UP):,}"
