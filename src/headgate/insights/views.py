"""From what the store says to what `--json` prints; pure."""

from collections.abc import Sequence

from headgate.budgets.burn import Burn
from headgate.budgets.standing import Standing
from headgate.insights.books import Books
from headgate.insights.calls import AttemptRow, CallRow, OpenedCall, RefusedRow
from headgate.insights.contract import (
    AgainView,
    BooksView,
    CallView,
    ExplainView,
    LineView,
    RefusalView,
    ReportView,
    SessionView,
    SumsView,
    WindowView,
)
from headgate.insights.contract_budgets import BudgetView, OwnBudgetView
from headgate.insights.contract_decisions import DecisionView
from headgate.insights.contract_holds import HoldView, SizingView
from headgate.insights.contract_reconcile import AdjustmentView
from headgate.insights.decisions_again import Again
from headgate.insights.report import Report
from headgate.insights.sessions import SessionSum
from headgate.insights.totals import Totals
from headgate.insights.views_caches import cache_view
from headgate.insights.views_decisions import decision_view
from headgate.records.charge import ChargeLine
from headgate.records.journal import AdjustmentRecord, DecisionRecord
from headgate.units.instants import to_iso
from headgate.units.money import format_usd

NO_PACE = Burn(0, None)


def budget_view(standing: Standing, *, frozen: bool, burn: Burn = NO_PACE) -> BudgetView:
    """Return a window of a budget."""
    return BudgetView(
        id=standing.id,
        node=standing.node,
        period=standing.period,
        renews_at=iso_or_none(standing.renews_ns),
        limit=format_usd(standing.limit_nanos),
        raised=format_usd(standing.raised_nanos),
        posted=format_usd(standing.posted_nanos),
        held=format_usd(standing.held_nanos),
        lent=format_usd(standing.lent_nanos),
        unaccounted=format_usd(standing.unaccounted_nanos),
        carved=format_usd(standing.carved_nanos),
        delegated=format_usd(standing.delegated_nanos),
        free=format_usd(standing.free_nanos),
        frozen=frozen,
        spent_last_hour=format_usd(burn.spent_last_hour_nanos),
        exhausted_at=iso_or_none(burn.exhausted_ns),
        carried=format_usd(standing.carried_nanos),
        mode=standing.mode,
        would_refuse=standing.would_refuse,
        would_refuse_amount=format_usd(standing.would_refuse_nanos),
        lacking=format_usd(standing.lacking_nanos),
    )


def own_budget_view(standing: Standing, *, frozen: bool, shared: bool) -> OwnBudgetView:
    """Return a window for whoever spends it; of a shared one, what a refusal would tell."""
    return OwnBudgetView(
        id=standing.id,
        node=standing.node,
        period=standing.period,
        renews_at=iso_or_none(standing.renews_ns),
        limit=format_usd(standing.limit_nanos),
        posted=None if shared else format_usd(standing.posted_nanos),
        held=None if shared else format_usd(standing.held_nanos),
        unaccounted=None if shared else format_usd(standing.unaccounted_nanos),
        carved=None if shared else format_usd(standing.carved_nanos),
        free=format_usd(standing.free_nanos),
        mode=standing.mode,
        shared=shared,
        frozen=frozen,
    )


def call_view(row: CallRow) -> CallView:
    """Return an attempt or a refused call."""
    if isinstance(row, RefusedRow):
        return _refused_view(row)
    return CallView(
        call=row.call,
        attempt=row.attempt,
        at=to_iso(row.at_ns),
        principal=row.principal,
        team=row.team,
        key=row.key,
        chain=list(row.chain),
        run=row.run,
        asked=row.asked,
        deployment=row.deployment,
        served_model=row.served_model,
        dialect=row.dialect,
        via=row.via,
        lost=list(row.lost),
        stream=row.stream,
        state=row.state,
        hold=format_usd(row.hold_nanos),
        posted=format_usd(row.posted_nanos),
        adjusted=format_usd(row.adjusted_nanos),
        usage=row.usage,
        lines=[_line_view(line) for line in row.lines],
        upstream_id=row.upstream_id,
        upstream_request_id=row.upstream_request_id,
        status=row.status,
        reason=row.reason,
        ttft_ms=None if row.ttft_us is None else row.ttft_us / 1_000,
        duration_ms=row.duration_us / 1_000,
        refusal=None,
        cache=cache_view(row.cache),
        priority=row.priority,
        waited_ms=row.waited_us / 1_000,
        session=row.session,
        tags=list(row.tags),
        would_refuse=list(row.waived),
        quarantined=row.quarantined,
        request_id=row.request_id,
    )


def _refused_view(row: RefusedRow) -> CallView:
    return CallView(
        call=row.call,
        attempt=None,
        at=to_iso(row.at_ns),
        principal=row.principal,
        team=row.team,
        key=row.key,
        chain=list(row.chain),
        run=row.run,
        asked=row.asked,
        deployment=None,
        served_model=None,
        dialect=None,
        via=None,
        lost=[],
        stream=False,
        state="refused",
        hold=format_usd(0),
        posted=format_usd(0),
        adjusted=format_usd(0),
        usage={},
        lines=[],
        upstream_id=None,
        upstream_request_id=None,
        status=0,
        reason=None,
        ttft_ms=None,
        duration_ms=0,
        refusal=RefusalView(
            code=row.refused.code, message=row.refused.message, budget=row.refused.budget
        ),
        cache=None,
        priority=None,
        waited_ms=0,
        session=None,
        tags=[],
        would_refuse=[],
        quarantined=None,
        request_id=None,
    )


def _line_view(line: ChargeLine) -> LineView:
    return LineView(
        meter=line.meter,
        quantity=line.quantity,
        price_usd_per_million=price_text(line.price_femto),
        amount=format_usd(line.amount_nanos),
        price_row=line.price_row,
    )


def price_text(price_femto: int) -> str:
    """Return dollars per million units: a femto-dollar per unit is a nano-dollar per million."""
    return format_usd(price_femto)


def explain_view(opened: OpenedCall, session: SessionSum | None) -> ExplainView:
    """Return one call opened, with the session it is of, None when it is of none."""
    attempts = [row for row in opened.rows if isinstance(row, AttemptRow)]
    return ExplainView(
        call=opened.call,
        posted=format_usd(opened.posted_nanos),
        adjusted=format_usd(opened.adjusted_nanos),
        attempts=[call_view(row) for row in opened.rows],
        adjustments=[adjustment_view(each) for each in opened.adjustments],
        holds=[_hold_view(row, attempts[:at]) for at, row in enumerate(attempts)],
        decisions=[_decision_view(record, attempts) for record in opened.decisions.values()],
        session=None if session is None else _session_view(session),
    )


def _session_view(session: SessionSum) -> SessionView:
    return SessionView(
        name=session.name,
        attempts=session.attempts,
        spend=format_usd(session.spend_nanos),
        since=to_iso(session.since_ns),
        deployments=session.deployments,
    )


def adjustment_view(record: AdjustmentRecord) -> AdjustmentView:
    """Return a correction."""
    return AdjustmentView(
        id=record.id,
        at=to_iso(record.at_ns),
        attempt=record.attempt,
        amount=format_usd(record.amount_nanos),
        reason=record.reason,
        source=record.source,
        by=record.by,
    )


def _hold_view(row: AttemptRow, before: Sequence[AttemptRow]) -> HoldView:
    """Return a hold; attempts `before` it have ended, unless it is a hedge."""
    running = (each for each in before if each.ended_ns is None or each.ended_ns > row.at_ns)
    return HoldView(
        attempt=row.attempt,
        decision=row.decision,
        windows=list(row.windows),
        input_tokens_max=row.input_tokens_max,
        output_tokens_max=row.output_tokens_max,
        sizing=_sizing_view(row),
        beside=next((each.attempt for each in running), None),
        ended_at=iso_or_none(row.ended_ns),
        closed_by=row.closed_by,
    )


def _sizing_view(row: AttemptRow) -> SizingView | None:
    note = row.sizing
    if note is None:
        return None
    return SizingView(
        output_tokens=note.output_tokens,
        percent=note.percent,
        calls=note.calls,
        extensions=row.extensions,
    )


def _decision_view(record: DecisionRecord, attempts: list[AttemptRow]) -> DecisionView:
    tried = {row.deployment for row in attempts if row.decision == record.number}
    return decision_view(record, tried)


def report_view(report: Report) -> ReportView:
    """Return the sums of a report."""
    total = report.total
    return ReportView(
        calls=total.calls,
        refused=total.refused,
        spend=format_usd(total.spend_nanos),
        adjusted=format_usd(total.adjusted_nanos),
        estimated_calls=total.estimated_calls,
        estimated_spend=format_usd(total.estimated_nanos),
        unknown_calls=total.unknown_calls,
        held=format_usd(total.held_nanos),
        by=[_sums_view(sums) for sums in report.by],
    )


def _sums_view(sums: Totals) -> SumsView:
    return SumsView(
        name=sums.name,
        calls=sums.calls,
        refused=sums.refused,
        spend=format_usd(sums.spend_nanos),
        adjusted=format_usd(sums.adjusted_nanos),
        estimated_calls=sums.estimated_calls,
        estimated_spend=format_usd(sums.estimated_nanos),
        unknown_calls=sums.unknown_calls,
        held=format_usd(sums.held_nanos),
    )


def books_view(books: Books, again: Again | None = None) -> BooksView:
    """Return what the check of the books found, and the decisions where they were made again."""
    return BooksView(
        equal=books.equal,
        journals=books.journals,
        records=books.records,
        windows=[
            WindowView(
                window=window.window,
                posted_store=format_usd(window.posted_store_nanos),
                posted_journal=format_usd(window.posted_journal_nanos),
                held_store=format_usd(window.held_store_nanos),
                held_journal=format_usd(window.held_journal_nanos),
                equal=window.equal,
            )
            for window in books.windows
        ],
        attempts_equal=books.attempts_equal,
        held_total=format_usd(books.held_total_nanos),
        problems=list(books.problems),
        decisions=None if again is None else _again_view(again),
    )


def _again_view(again: Again) -> AgainView:
    return AgainView(same=again.same, other=again.other, untried=again.untried, named=again.named)


def iso_or_none(at_ns: int | None) -> str | None:
    """Return an instant as text, None when there is none."""
    return None if at_ns is None else to_iso(at_ns)


def usd_or_none(amount_nanos: int | None) -> str | None:
    """Return an amount as text, None when there is none."""
    return None if amount_nanos is None else format_usd(amount_nanos)
