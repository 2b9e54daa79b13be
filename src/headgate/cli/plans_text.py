"""What `headgate plans` prints: the answer first, then tables, then what they rest on."""

from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from headgate.catalog.plans import PlanCatalogue
from headgate.cli.imported_text import dollars, plain_name
from headgate.cli.output import print_table, say, table
from headgate.economics.plans.advice import API
from headgate.economics.plans.break_even import SERVING_COST_RANGE
from headgate.economics.plans.desk import PlanLine, SeatReport, Share, WindowLine
from headgate.economics.plans.estimate import Estimate
from headgate.economics.plans.page import Dot, Section, heat_map, percent, render
from headgate.economics.usage_logs.formats.registry import formats
from headgate.insights.contract_desk import (
    AdviceView,
    EstimateView,
    PlanLineView,
    PlansView,
    SeatView,
    ShareView,
    WindowUseView,
)
from headgate.units.instants import to_iso
from headgate.units.money import format_usd

_PLAN_COLUMNS = (
    *("seat", "plan", ">USD a month", ">a month costs", ">used", "zone", ">the plan gives"),
    *("known from", ">user gains above", ">seller loses above"),
)
_WINDOW_COLUMNS = (
    *("seat", "log", "window", ">windows", ">median", ">95 of 100", ">most", ">gives", ">over it"),
    *(">latest", ">left", ">meter"),
)


CHART_TITLE = "What the seller keeps"
CHART_ABOUT = (
    "Share of a seat's price that is left after serving it, by how much of the plan is used. "
    "Orange is a loss. A dot is a seat."
)


class Sheet(NamedTuple):
    """All reports, and what they rest on; `inputs` is the hash of that."""

    reports: tuple[SeatReport, ...]
    catalogue: PlanCatalogue
    serving_cost: Fraction
    inputs: str


def show(sheet: Sheet) -> None:
    """Print it for people."""
    for section in _sections(sheet):
        if section.title:
            say("", f"{section.title}")
        for sentence in section.sentences:
            say(sentence)
        if section.columns:
            shown = table(*section.columns)
            for row in section.rows:
                shown.add_row(*row)
            print_table(shown)


def chart(sheet: Sheet) -> str:
    """Return the margins of its plans as SVG, with a dot for each seat; empty without plans."""
    lines = [(line.plan, line.capacity) for one in sheet.reports for line in one.plans]
    plans = {plan.id: (plan, known) for plan, known in lines if known is not None}
    dots = [
        Dot(one.use.seat, line.plan.id, line.utilisation)
        for one in sheet.reports
        for line in one.plans
        if line.utilisation is not None
    ]
    return heat_map(tuple(plans.values()), dots, sheet.serving_cost) if plans else ""


def page(sheet: Sheet) -> str:
    """Return it as a page."""
    *found, rests = _sections(sheet)
    drawn = chart(sheet)
    about = [Section(CHART_TITLE, (CHART_ABOUT,))] if drawn else []
    return render("Subscriptions", (*found, *about), drawn, (rests,))


def view(sheet: Sheet) -> PlansView:
    """Return it for machines."""
    return PlansView(
        inputs=sheet.inputs,
        serving_cost=str(sheet.serving_cost),
        seats=[_seat_view(one) for one in sheet.reports],
        assumptions=list(_assumptions(sheet)),
    )


def _sections(sheet: Sheet) -> tuple[Section, ...]:
    if not sheet.reports:
        covered = {log for plan in sheet.catalogue.plans for log in plan.logs}
        names = ", ".join(sorted(formats()[log].TITLE for log in covered if log in formats()))
        return (
            Section(
                "",
                (
                    f"No imported log is covered by a plan. Plans are known for {names}: "
                    "run `headgate import` where their logs are.",
                ),
            ),
        )
    return (
        Section("", (*_together(sheet), *(_answer(one) for one in sheet.reports))),
        Section(
            "Plans",
            (),
            _PLAN_COLUMNS,
            [_plan_row(one, line) for one in sheet.reports for line in one.plans],
        ),
        Section(
            "Windows (USD at list price)",
            (),
            _WINDOW_COLUMNS,
            [_window_row(one, line) for one in sheet.reports for line in one.windows],
        ),
        Section("What this rests on", tuple(_assumptions(sheet))),
    )


def _together(sheet: Sheet) -> Iterator[str]:
    """Yield what all seats come to, when there are several."""
    known = [one for one in sheet.reports if one.demand is not None]
    if len(known) < len(sheet.reports) or len(known) < 2:
        return
    worth = sum(one.demand.middle for one in known if one.demand is not None)
    clear = [one for one in known if one.advice.verb in ("drop", "buy", "move")]
    saving = sum(one.advice.saving.middle for one in clear)
    yield (
        f"{len(known)} seats are worth {dollars(worth)} USD a month at list price. What is clear "
        f"below saves {dollars(saving)} USD a month against what they have."
    )


def _answer(one: SeatReport) -> str:
    """Return a seat's answer in a few sentences."""
    title = formats()[one.use.source].TITLE
    until = to_iso(one.use.uses[-1].at_ns)[:10]
    if one.demand is None:
        total = sum(use.nanos for use in one.use.uses)
        return (
            f"{plain_name(one.use.seat)}: not enough data. {title} has {_weeks(one)} up to "
            f"{until}, worth {dollars(total)} USD; two are the least. Import more, or come back."
        )
    worth = (
        f"{title} up to {until} is worth {_span(one.demand)} USD a month at list price "
        f"({_weeks(one)})."
    )
    advice = one.advice
    said = f"{plain_name(one.use.seat)}: {_verdict(one)}: {advice.reason}. {worth}"
    if advice.saving.middle and advice.plan != one.has:
        against = one.has or "paying by the token"
        choice = advice.plan or "the API"
        said += f" Against {against} {choice} saves {_span(advice.saving)} USD a month."
    subject = advice.plan or one.has
    if any(line.plan.id == subject and line.zone == "seller loses" for line in one.plans):
        said += f" The seller loses on such a seat: expect the rules of {subject} to change."
    if one.forecast is not None and one.forecast.low < one.forecast.high:
        said += f" The next month may use {_span(one.forecast)} USD."
    if one.has == API:
        said += " If it has a plan already, say so: --have PLAN."
    if one.use.unpriced:
        said += f" {one.use.unpriced:,} records without a price are left out."
    return said


def _weeks(one: SeatReport) -> str:
    return f"{one.whole_weeks} whole week{'s' * (one.whole_weeks != 1)}"


def _verdict(one: SeatReport) -> str:
    advice = one.advice
    target = advice.plan or "the API"
    return {
        "keep": f"keep {target}",
        "drop": f"drop {one.has} and pay by the token",
        "buy": f"{target} is the cheapest way to pay",
        "move": f"move from {one.has} to {target}",
        "stay on the API": "no plan is worth it",
        "open": _open(one),
        "not enough data": "not enough data",
    }[advice.verb]


def _open(one: SeatReport) -> str:
    """Return what is clear although the cheapest is not."""
    if one.has in one.advice.rivals:
        return "too close to call"
    if one.has == API:
        return "a plan is worth it, but which one is too close to call"
    return f"leave {one.has}, for what is too close to call"


def _plan_row(one: SeatReport, line: PlanLine) -> list[str]:
    has = " (has it)" if line.plan.id == one.has else ""
    return [
        plain_name(one.use.seat),
        line.plan.id + has,
        dollars(line.plan.price_nanos),
        "" if line.cost_nanos is None else dollars(line.cost_nanos),
        _percent(line.utilisation),
        line.zone or "",
        _span(line.capacity) if line.capacity else "not known",
        line.basis if line.capacity else "",
        _shares(line.user_at),
        _shares(line.seller_at),
    ]


def _window_row(one: SeatReport, line: WindowLine) -> list[str]:
    left = line.head_room_nanos
    return [
        plain_name(one.use.seat),
        formats()[one.use.source].TITLE,
        f"{line.minutes // 60} hours" if line.minutes < 24 * 60 else f"{line.minutes // 1440} days",
        f"{line.windows:,}",
        dollars(line.median_nanos),
        dollars(line.p95_nanos),
        dollars(line.peak_nanos),
        _span(line.capacity) if line.capacity else "not known",
        f"{line.over:,}" if line.capacity else "",
        dollars(line.latest.nanos),
        "" if left is None else dollars(left),
        "" if line.used_bp is None else f"{_percent(Fraction(line.used_bp, 10_000))}",
    ]


def _assumptions(sheet: Sheet) -> Iterator[str]:
    low, high = SERVING_COST_RANGE
    yield (
        "Worth is usage at the list price of the day of use; logs do not say whether a plan or a "
        "key paid for it. A client's log may count too little, so worth is rather too low."
    )
    yield (
        "A month is the mean of whole weeks times 30.4375 / 7; the span holds the true mean nine "
        "times in ten if weeks are alike. Use that a plan's limits cut off is not seen."
    )
    yield (
        "What a plan gives is the span of what others measured, its lower median in the middle, "
        "unless the logs hold readings of the plan's own meter. What it cannot give is taken to "
        "be bought at list price."
    )
    yield (
        f"Serving costs the seller {percent(sheet.serving_cost, 1)} % of list price; estimates "
        f"reach from {percent(low, 1)} to {percent(high, 1)} %. Where the seller loses, expect it "
        "to change the plan's rules."
    )
    yield (
        "A window of hours begins with the first use after the one before has ended; weeks are "
        "counted back from the last day of use (UTC)."
    )
    yield (
        "Whether a plan fits is judged by the month. Its windows of hours may stop work on a busy "
        "day; what they give in dollars is known from readings of the plan's own meter alone."
    )
    shown = {line.plan.id: line.plan for one in sheet.reports for line in one.plans}
    for plan in shown.values():
        credit = (
            f", {dollars(plan.credit_nanos)} USD credit for programmatic use since "
            f"{plan.credit_from}, which is not counted here"
            if plan.credit_nanos
            else ""
        )
        note = f"; {plan.note}" if plan.note else ""
        yield f"{plan.id}: {dollars(plan.price_nanos)} USD as read {plan.observed_on}{credit}{note}"
        for one in plan.capacities:
            yield (
                f"{plan.id}: {dollars(one.nanos_per_month)} USD a month, {one.measured_on}: "
                f"{one.method} [{one.source}]"
            )
    cited = {
        name
        for plan in shown.values()
        for name in (*plan.sources, *(one.source for one in plan.capacities))
    }
    yield f"Inputs {sheet.inputs}: the same use, plans and options give this hash and this report."
    yield from (f"[{name}] {sheet.catalogue.sources[name]}" for name in sorted(cited))


def _span(value: Estimate) -> str:
    if value.low == value.high:
        return dollars(value.middle)
    return f"{dollars(value.middle)} ({dollars(value.low)} to {dollars(value.high)})"


def _shares(span: Share | None) -> str:
    if span is None:
        return ""
    if span.low == span.high:
        return f"{percent(span.middle, 1)} %"
    return f"{percent(span.middle, 1)} % ({percent(span.low, 1)} to {percent(span.high, 1)})"


def _percent(share: Fraction | None) -> str:
    return "" if share is None else f"{percent(share, 1)} %"


def _estimate_view(value: Estimate | None) -> EstimateView | None:
    if value is None:
        return None
    low, middle, high = (format_usd(bound) for bound in value)
    return EstimateView(low=low, middle=middle, high=high)


def _share_text(share: Fraction | None) -> str | None:
    return None if share is None else percent(share, 4)


def _share_view(span: Share | None) -> ShareView | None:
    if span is None:
        return None
    low, middle, high = (percent(bound, 4) for bound in span)
    return ShareView(low=low, middle=middle, high=high)


def _seat_view(one: SeatReport) -> SeatView:
    saving = _estimate_view(one.advice.saving)
    assert saving is not None, "an advice always has a saving, zero at least"
    return SeatView(
        seat=one.use.seat,
        source=one.use.source,
        seller=one.use.seller,
        first=to_iso(one.use.uses[0].at_ns),
        last=to_iso(one.use.uses[-1].at_ns),
        has=one.has or None,
        whole_weeks=one.whole_weeks,
        unpriced=one.use.unpriced,
        demand=_estimate_view(one.demand),
        forecast=_estimate_view(one.forecast),
        plans=[_plan_view(line) for line in one.plans],
        windows=[_window_view(line) for line in one.windows],
        advice=AdviceView(
            verb=one.advice.verb,
            plan=one.advice.plan or None,
            reason=one.advice.reason,
            saving=saving,
            rivals=[rival or "api" for rival in one.advice.rivals],
        ),
    )


def _plan_view(line: PlanLine) -> PlanLineView:
    return PlanLineView(
        plan=line.plan.id,
        price=format_usd(line.plan.price_nanos),
        capacity=_estimate_view(line.capacity),
        basis=line.basis if line.capacity else None,
        utilisation_percent=_share_text(line.utilisation),
        user_break_even_percent=_share_view(line.user_at),
        seller_break_even_percent=_share_view(line.seller_at),
        zone=line.zone,
        margin_percent=_share_text(line.margin),
        month=None if line.cost_nanos is None else format_usd(line.cost_nanos),
    )


def _window_view(line: WindowLine) -> WindowUseView:
    left = line.head_room_nanos
    return WindowUseView(
        minutes=line.minutes,
        count=line.windows,
        median=format_usd(line.median_nanos),
        p95=format_usd(line.p95_nanos),
        peak=format_usd(line.peak_nanos),
        capacity=_estimate_view(line.capacity),
        over=line.over,
        lost=format_usd(line.lost_nanos),
        latest=format_usd(line.latest.nanos),
        head_room=None if left is None else format_usd(left),
        meter_percent=None if line.used_bp is None else percent(Fraction(line.used_bp, 10_000), 2),
    )
