"""The report on a vendor: its quarters under the inputs and under three scenarios."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from headgate.economics.amounts import billions, billions_together
from headgate.economics.exact import rounded
from headgate.economics.inputs import InputError, Inputs
from headgate.economics.report import ChartView, Report, SeriesView, TableView, assumptions
from headgate.economics.vendor.model import (
    MONTHS_PER_QUARTER,
    Layers,
    Quarter,
    first_profitable_year,
    generations_of,
    layers_of,
    parts_of,
    quarters_of,
    runway_months,
    zero_profit_price,
)
from headgate.economics.vendor_futures import views
from headgate.economics.vendor_futures.simulate import Futures, draw, futures_of

AS_GIVEN = "as given"
SENSITIVE = (
    *("elasticity", "price_share", "cost_share", "usage_growth"),
    *("generation_factor", "other_growth"),
)
"""Inputs that are moved up and down by a tenth."""
LIMITS = [
    "Two quarters of one vendor, told by an article, are all that is known; everything else is "
    "assumed, so compare scenarios rather than believe one.",
    "Profit is operating profit: no tax, no stock, no working capital, no new money.",
    "Demand answers prices with one constant elasticity, and training grows in steps.",
    *views.LIMITS,
]


def vendor_report(
    inputs: Inputs, scenarios: Mapping[str, Mapping[str, Any]], seed: int, paths: int
) -> Report:
    """Return the report, with intervals from `paths` futures of each scenario.

    Raises:
        InputError: Parts of compute do not fit together.
    """
    cases = {AS_GIVEN: inputs} | {
        name: inputs.changed_by(one["changes"], f"scenario {name}")
        for name, one in scenarios.items()
    }
    found = {name: quarters_of(used) for name, used in cases.items()}
    luck = draw(seed, paths)
    futures = {name: futures_of(used, luck) for name, used in cases.items()}
    return Report(
        command="vendor",
        answer=[_sentence(name, cases[name], found[name], futures[name]) for name in cases],
        figures=_figures(inputs, found[AS_GIVEN]) | views.interval_figures(futures[AS_GIVEN]),
        tables=[
            _compared(cases, found),
            views.intervals(futures),
            _path(found[AS_GIVEN]),
            _parts(inputs),
            _generations(found[AS_GIVEN], inputs),
            _layers(cases, found),
            _sensitivity(inputs),
            TableView(
                title="Scenarios: what they change",
                columns=["scenario", "meaning", "changes"],
                rows=[
                    [name, one["meaning"], ", ".join(f"{k} {v}" for k, v in one["changes"].items())]
                    for name, one in scenarios.items()
                ],
            ),
        ],
        charts=[
            _chart(
                "Operating profit, bn USD a quarter", {n: _profits(q) for n, q in found.items()}
            ),
            views.fan(futures[AS_GIVEN]),
        ],
        limits=LIMITS,
        assumptions=assumptions(inputs),
        inputs_sha256=inputs.sha256(f"seed={seed}", f"paths={paths}"),
        seed=seed,
    )


def _bn(value: Fraction) -> str:
    return rounded(value, 3)


def _optional(value: Fraction | None, places: int = 2) -> str:
    return "none" if value is None else rounded(value, places)


def _profits(quarters: list[Quarter]) -> list[Fraction]:
    return [one.profit for one in quarters]


def _sentence(name: str, inputs: Inputs, quarters: list[Quarter], futures: Futures) -> str:
    year = first_profitable_year(quarters)
    runway = runway_months(quarters, inputs["cash_bn"])
    profitable = "no year earns" if year is None else f"the first year that earns is year {year}"
    lasts = "cash lasts" if runway is None else f"cash is gone after {runway} months"
    profit = quarters[-1].profit
    earns = f"{'loses' if profit < 0 else 'earns'} {billions(abs(profit))} bn"
    return (
        f"{name}: {profitable}, {lasts}; the last quarter {earns}, "
        f"{views.interval_sentence(futures)}."
    )


def _figures(inputs: Inputs, quarters: list[Quarter]) -> dict[str, str]:
    first, last = quarters[0], quarters[-1]
    year, runway = first_profitable_year(quarters), runway_months(quarters, inputs["cash_bn"])
    return {
        "first_profit_bn": _bn(first.profit),
        "first_compute_ratio": rounded(first.compute_ratio, 4),
        "last_profit_bn": _bn(last.profit),
        "last_compute_ratio": rounded(last.compute_ratio, 4),
        "first_profitable_year": "none" if year is None else str(year),
        "runway_months": "lasts" if runway is None else str(runway),
        "service_cover": _optional(first.service_cover),
        "interest_cover": _optional(first.interest_cover),
        "zero_profit_price": _optional(zero_profit_price(first, inputs["elasticity"]), 4),
    }


def _compared(cases: Mapping[str, Inputs], found: Mapping[str, list[Quarter]]) -> TableView:
    amounts = billions_together(
        [
            quarters[-1].revenue,
            quarters[-1].profit,
            sum(_profits(quarters), Fraction(0)),
        ]
        for quarters in found.values()
    )
    rows = []
    for (name, quarters), (revenue, profit, profits) in zip(found.items(), amounts, strict=True):
        inputs, last = cases[name], quarters[-1]
        runway = runway_months(quarters, inputs["cash_bn"])
        zero = zero_profit_price(last, inputs["elasticity"])
        rows.append(
            [
                *(name, revenue, rounded(last.compute_ratio, 3), profit, profits),
                "lasts" if runway is None else str(runway),
                _optional(last.service_cover),
                rounded(last.price, 3),
                "none" if zero is None else rounded(zero * last.price, 3),
            ]
        )
    columns = [">revenue", ">compute ratio", ">profit", ">profit of all quarters", ">runway months"]
    return TableView(
        title="The last quarter by scenario, bn USD",
        columns=["scenario", *columns, ">service cover", ">price", ">price at no profit"],
        rows=rows,
    )


def _path(quarters: list[Quarter]) -> TableView:
    names = ("revenue", "serving", "training", "lease", "other", "profit", "debt_service")
    amounts = billions_together([getattr(one, name) for name in names] for one in quarters)
    columns = [f">{name.replace('_', ' ')}" for name in names]
    return TableView(
        title="Quarters, bn USD",
        columns=[">quarter", ">price", ">use", *columns, ">compute ratio"],
        rows=[
            [
                str(one.number + 1),
                *(rounded(value, 3) for value in (one.price, one.use)),
                *texts,
                rounded(one.compute_ratio, 3),
            ]
            for one, texts in zip(quarters, amounts, strict=True)
        ],
    )


def _parts(inputs: Inputs) -> TableView:
    parts, revenue = parts_of(inputs), inputs["revenue_bn"]
    names = ("api", "plans", "free", "training", "lease", "unexplained")
    shares = [getattr(parts, name) for name in names]
    amounts = billions_together([one] for one in shares)
    return TableView(
        title="Compute of the first quarter, part by part",
        columns=["part", ">bn USD", ">per dollar of revenue"],
        rows=[
            [name, *text, rounded(one / revenue, 4)]
            for name, text, one in zip(names, amounts, shares, strict=True)
        ],
    )


def _generations(quarters: list[Quarter], inputs: Inputs) -> TableView:
    words = {True: "yes", False: "no"}
    found = generations_of(quarters, inputs)
    amounts = billions_together([one.cost, one.margin] for one in found)
    return TableView(
        title="Generations: does serving pay for training, bn USD",
        columns=["generation", ">cost", ">margin", "pays for itself", "pays for the next"],
        rows=[
            [str(one.number + 1), *texts, words[one.pays_itself], words[one.pays_next]]
            for one, texts in zip(found, amounts, strict=True)
        ],
    )


def _layers(cases: Mapping[str, Inputs], found: Mapping[str, list[Quarter]]) -> TableView:
    earned = [layers_of(quarters[-1], cases[name]) for name, quarters in found.items()]
    amounts = billions_together([one.upstream, one.model, one.application] for one in earned)
    columns = [">upstream", ">model", ">application"]
    return TableView(
        title="Who earns in the last quarter, bn USD, and shares of what is earned",
        columns=["scenario", *columns, *(f"{name} %" for name in columns)],
        rows=[
            [name, *texts, *_shares(one)]
            for name, texts, one in zip(found, amounts, earned, strict=True)
        ],
    )


def _shares(one: Layers) -> list[str]:
    """Return the layers' shares of all that is earned; who loses has none."""
    earned = [max(value, Fraction(0)) for value in (one.upstream, one.model, one.application)]
    total = sum(earned)
    return [rounded(100 * value / total, 1) if total else "none" for value in earned]


def _sensitivity(inputs: Inputs) -> TableView:
    """Return how the profit of all quarters moves with each input, where it can move."""
    base = sum(_profits(quarters_of(inputs)), Fraction(0))
    moved = [
        [_moved(inputs, name, base, Fraction(tenths, 10)) for tenths in (9, 11)]
        for name in SENSITIVE
    ]
    amounts = billions_together(moved)
    return TableView(
        title="Change of the profit of all quarters, bn USD, when one input is a tenth",
        columns=["input", ">lower", ">higher"],
        rows=[
            [name, *("impossible" if text == "none" else text for text in texts)]
            for name, texts in zip(SENSITIVE, amounts, strict=True)
        ],
    )


def _moved(inputs: Inputs, name: str, base: Fraction, factor: Fraction) -> Fraction | None:
    """Return what the profit of all quarters changes by; None where the input may not be that."""
    try:
        other = inputs.changed_by({name: rounded(inputs[name] * factor, 9)})
        return sum(_profits(quarters_of(other)), Fraction(0)) - base
    except InputError:
        return None


def _chart(title: str, lines: Mapping[str, list[Fraction]]) -> ChartView:
    return ChartView(
        title=title,
        x="month",
        y="bn USD",
        series=[
            SeriesView(
                name=name,
                points=[
                    (str(MONTHS_PER_QUARTER * index), _bn(value))
                    for index, value in enumerate(line)
                ],
            )
            for name, line in lines.items()
        ],
    )
