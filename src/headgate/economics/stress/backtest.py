"""A forecast of list prices as it could be made on a day, scored by what prices then did.

Rates and sizes of changes are taken from what the price book knew on that day; nothing later comes
into it but the pace of the market and the inputs about following it, which are of that time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import numpy as np

from headgate.catalog.prices import PriceBook
from headgate.catalog.rows import UNKNOWN_START_NS
from headgate.economics.inputs import Inputs
from headgate.economics.report import ChartView, Report, SeriesView, TableView, assumptions
from headgate.economics.stress.draws import draw
from headgate.economics.stress.history import Habits, habits, mean_factor, spread, weekly_price
from headgate.economics.stress.terms import terms_of
from headgate.economics.stress.world import world_of
from headgate.units.instants import NANOS_PER_SECOND, from_datetime, to_datetime

INTERVAL = (0.05, 0.95)
MONTH_NS = 2_629_800 * NANOS_PER_SECOND
PATHS = 20_000
Model = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Scored:
    """One forecast and what happened.

    Attributes:
        name: The model, or the model and its successor.
        months: Whole months from the start of the forecast, at least 1.
        low: Lower end of the 90 % interval, as a multiple of the price at the start.
        high: Upper end.
        actual: What it was.
    """

    name: str
    months: int
    low: float
    high: float
    actual: float

    @property
    def inside(self) -> bool:
        """Whether the interval has it."""
        return self.low <= self.actual <= self.high


def calibrated(inputs: Inputs, known: Habits) -> Inputs:
    """Return inputs with the rates and sizes of changes that history shows.

    What it does not show, such as the size of a rise before there was one, stays as it is.
    """
    changes = {}
    for name, rises in (("reprice_up", True), ("reprice_down", False)):
        changes[name] = f"{float(known.per_year(rises=rises)):.6f}"
        if sizes := known.sizes(rises=rises):
            changes[f"{name}_factor"] = f"{mean_factor(sizes):.6f}"
        if not rises and len(sizes) > 1:
            changes["reprice_noise"] = f"{spread(sizes):.6f}"
    return inputs.changed_by(changes, "the price book as it was known on that day")


def score(book: PriceBook, inputs: Inputs, data: Mapping[str, Any], seed: int) -> list[Scored]:
    """Return every case of the data file with its forecast and its outcome."""
    frozen_ns, scored_ns = (_instant(data[name]) for name in ("frozen_at", "scored_at"))
    terms = terms_of(calibrated(inputs, habits(book, frozen_ns, frozen_ns)))
    months_max = round((scored_ns - frozen_ns) / MONTH_NS) + 1
    prices = world_of(draw(seed, PATHS, months_max), terms).list_price
    found = []
    for case in data["case"]:
        before, after = _model(case["from"]), _model(case.get("to", case["from"]))
        start_ns = max(frozen_ns, _launch_ns(book, before))
        months = max(1, round((scored_ns - start_ns) / MONTH_NS))
        low, high = np.quantile(prices[:, months], INTERVAL)
        actual = _price(book, after, scored_ns) / _price(book, before, start_ns)
        name = " -> ".join(dict.fromkeys((before[1], after[1])))
        found.append(Scored(name, months, float(low), float(high), actual))
    return found


def backtest_report(book: PriceBook, inputs: Inputs, data: Mapping[str, Any], seed: int) -> Report:
    """Return the scores as a report, whatever they are."""
    scored = score(book, inputs, data, seed)
    frozen = data["frozen_at"]
    known = habits(book, _instant(frozen), _instant(frozen))
    inside = sum(one.inside for one in scored)
    return Report(
        command="stress --backtest",
        answer=[
            f"Frozen at {frozen}: the 90 % interval holds {inside} of {len(scored)} prices "
            f"({100 * inside / len(scored):.0f} %).",
            _verdict(scored),
            f"Known then: {float(known.years):.1f} years of models, "
            f"{len(known.sizes(rises=True))} rises, {len(known.sizes(rises=False))} cuts.",
        ],
        figures={
            "inside": str(inside),
            "cases": str(len(scored)),
            "coverage_share": f"{inside / len(scored):.4f}",
        },
        tables=[
            TableView(
                title="Prices as multiples of the price at the start",
                columns=["model", ">months", ">low", ">high", ">actual", "inside"],
                rows=[_row(one) for one in scored],
            )
        ],
        charts=[
            ChartView(
                title="Prices as multiples of the price at the start",
                x="model",
                y="times",
                series=[
                    SeriesView(
                        name=name,
                        points=[(one.name, f"{getattr(one, name):.3f}") for one in scored],
                    )
                    for name in ("low", "actual", "high")
                ],
                kind="bars",
            )
        ],
        limits=[
            "The cases were chosen by us and are not independent: one seller's rises came at once.",
            "A price is that of a mix: 10 % fresh input, 80 % cached, 10 % output, over a week.",
            "The pace of the market and how it is followed are inputs, not fitted; so is the size "
            "of a rise while there has been none, and the built-in one knows of later rises.",
        ],
        assumptions=assumptions(calibrated(inputs, known), terms_names()),
        inputs_sha256=inputs.sha256(f"seed={seed}", f"frozen={frozen}", f"at={data['scored_at']}"),
        seed=seed,
    )


def terms_names() -> list[str]:
    """Return the inputs that decide a list price."""
    changes = ("reprice_up", "reprice_up_factor", "reprice_down", "reprice_down_factor")
    market = ("decay_factor", "decay_months", "decay_share", "follow", "follows")
    return [*changes, "reprice_noise", *market, "cache_gone", "cache_gone_factor", "correlation"]


def _verdict(scored: Sequence[Scored]) -> str:
    above = [one.name for one in scored if one.actual > one.high]
    below = [one.name for one in scored if one.actual < one.low]
    said = [
        f"{word} the interval: {', '.join(names)}"
        for word, names in (("above", above), ("below", below))
        if names
    ]
    return f"Missed {'; '.join(said)}." if said else "None was missed."


def _row(one: Scored) -> list[str]:
    numbers = (f"{value:.3f}" for value in (one.low, one.high, one.actual))
    return [one.name, str(one.months), *numbers, "yes" if one.inside else "no"]


def _instant(day: date) -> int:
    return from_datetime(datetime(day.year, day.month, day.day, tzinfo=UTC))


def _model(text: str) -> Model:
    seller, _, name = text.partition("/")
    return seller, name


def _launch_ns(book: PriceBook, model: Model) -> int:
    starts = [row.valid_from_ns for row in book.rows_of(*model)]
    return min(start for start in starts if start > UNKNOWN_START_NS)


def _price(book: PriceBook, model: Model, at_ns: int) -> float:
    price = weekly_price(book, model, at_ns)
    assert price is not None, (model, to_datetime(at_ns))
    return float(price)
