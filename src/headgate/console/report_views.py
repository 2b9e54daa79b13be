"""A report's JSON as a page shows it: the answer, charts, tables, limits, assumptions."""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import msgspec
from markupsafe import Markup

from headgate.catalog.load_plans import load_plans
from headgate.economics.charts import chart_svg
from headgate.economics.claims.load import load_claims
from headgate.economics.claims.views import claims_report
from headgate.economics.page import ASSUMPTION_COLUMNS
from headgate.economics.plans.estimate import Estimate
from headgate.economics.plans.page import Dot, heat_map
from headgate.economics.report import ClaimsView, Report, TableView
from headgate.insights.contract_desk import EstimateView, PlansView, SeatView
from headgate.units.money import parse_usd

VERBS = {
    "keep": "keep what it has",
    "drop": "drop the plan and pay by the token",
    "buy": "buy",
    "move": "move to",
    "stay on the API": "no plan is worth it",
    "open": "too close to call",
    "not enough data": "not enough data",
}


class Drawn(NamedTuple):
    """A chart with its title."""

    title: str
    svg: Markup


class Shown(NamedTuple):
    """What a page shows of a report; `assumed` is folded away, `hash` names the inputs."""

    answer: Sequence[str]
    charts: Sequence[Drawn]
    tables: Sequence[TableView]
    limits: Sequence[str]
    assumed: Sequence[TableView]
    hash: str


def shown(name: str, json: bytes) -> Shown:
    """Return what a command printed, to be shown."""
    if name == "plans":
        return _plans(msgspec.json.decode(json, type=PlansView))
    if name == "claims":
        view = msgspec.json.decode(json, type=ClaimsView)
        return _report(claims_report(view, load_claims().inputs))
    return _report(msgspec.json.decode(json, type=Report))


def _report(report: Report) -> Shown:
    assumed = TableView(
        title="Assumptions",
        columns=ASSUMPTION_COLUMNS,
        rows=[
            [one.name, one.value, one.unit, one.meaning, one.source] for one in report.assumptions
        ],
    )
    seed = "" if report.seed is None else f", seed {report.seed}"
    # S704: chart_svg escapes every label; the rest of it is its own.
    charts = [Drawn(one.title, Markup(chart_svg(one))) for one in report.charts]  # noqa: S704
    return Shown(
        answer=report.answer,
        charts=charts,
        tables=report.tables,
        limits=report.limits,
        assumed=[assumed],
        hash=f"{report.inputs_sha256}{seed}",
    )


def _plans(view: PlansView) -> Shown:
    if not view.seats:
        answer = ["No imported log is covered by a plan. Run `headgate import` where logs are."]
    else:
        answer = [_advice(one) for one in view.seats]
    tables = [_plan_table(view.seats), _window_table(view.seats)] if view.seats else []
    return Shown(answer, _heat(view), tables, view.assumptions, [], view.inputs)


def _advice(one: SeatView) -> str:
    advice = one.advice
    target = f" {advice.plan}" if advice.verb in ("buy", "move") and advice.plan else ""
    worth = "" if one.demand is None else f" Worth {_span(one.demand)} USD a month at list price."
    saves = advice.saving.middle
    saved = (
        f" It saves {_span(advice.saving)} USD a month against {one.has or 'paying by the token'}."
        if parse_usd(saves) and advice.plan != one.has
        else ""
    )
    return f"{one.seat}, {one.source}: {VERBS[advice.verb]}{target}: {advice.reason}.{worth}{saved}"


def _plan_table(seats: Sequence[SeatView]) -> TableView:
    columns = ["seat", "plan", ">USD a month", ">the plan gives", ">used %", "zone", ">month costs"]
    rows = [
        [
            one.seat,
            line.plan + (" (has it)" if line.plan == one.has else ""),
            _usd(line.price),
            "not known" if line.capacity is None else _span(line.capacity),
            _tenth(line.utilisation_percent),
            line.zone or "",
            "" if line.month is None else _usd(line.month),
        ]
        for one in seats
        for line in one.plans
    ]
    return TableView(title="Plans", columns=columns, rows=rows)


def _window_table(seats: Sequence[SeatView]) -> TableView:
    columns = ["seat", "log", "window", ">windows", ">median", ">95 of 100", ">most", ">gives"]
    columns += [">over it", ">left"]
    rows = [
        [
            one.seat,
            one.source,
            _window(line.minutes),
            f"{line.count:,}",
            *(_usd(amount) for amount in (line.median, line.p95, line.peak)),
            "not known" if line.capacity is None else _span(line.capacity),
            f"{line.over:,}" if line.capacity else "",
            "" if line.head_room is None else _usd(line.head_room),
        ]
        for one in seats
        for line in one.windows
    ]
    return TableView(title="Windows, USD at list price", columns=columns, rows=rows)


def _window(minutes: int) -> str:
    return f"{minutes // 60} hours" if minutes < 24 * 60 else f"{minutes // (24 * 60)} days"


def _heat(view: PlansView) -> list[Drawn]:
    """Return the seller's margins over utilisation, as far as what plans give is known."""
    catalogue = load_plans()
    lines = [(seat, line) for seat in view.seats for line in seat.plans]
    plans = {
        line.plan: (plan, _estimate(line.capacity))
        for _seat, line in lines
        if line.capacity is not None and (plan := catalogue.find(line.plan)) is not None
    }
    dots = [
        Dot(seat.seat, line.plan, Fraction(line.utilisation_percent) / 100)
        for seat, line in lines
        if line.utilisation_percent is not None
    ]
    if not plans:
        return []
    title = "What the seller keeps of a seat's price, by how much of the plan is used"
    svg = heat_map(tuple(plans.values()), dots, Fraction(view.serving_cost))
    # S704: heat_map escapes the names of plans and seats; the rest of it is its own.
    return [Drawn(title, Markup(svg))]  # noqa: S704


def _estimate(view: EstimateView) -> Estimate:
    return Estimate(*(parse_usd(text) for text in (view.low, view.middle, view.high)))


def _tenth(percent: str | None) -> str:
    """Return a decimal text to a tenth, cut."""
    whole, point, rest = (percent or "").partition(".")
    return f"{whole}{point}{rest[:1]}"


def _usd(text: str) -> str:
    """Return an amount to a cent, cut."""
    whole, _, rest = text.removeprefix("-").partition(".")
    return f"{'-' * text.startswith('-')}{int(whole):,}.{rest[:2]:0<2}"


def _span(view: EstimateView) -> str:
    if view.low == view.high:
        return _usd(view.middle)
    return f"{_usd(view.middle)} ({_usd(view.low)} to {_usd(view.high)})"
