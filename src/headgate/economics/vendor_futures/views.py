"""The futures of a vendor as the report shows them: intervals by scenario, and a fan."""

from collections.abc import Mapping
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from headgate.economics.amounts import billions_together
from headgate.economics.exact import rounded
from headgate.economics.report import ChartView, SeriesView, TableView
from headgate.economics.stress.draws import Floats
from headgate.economics.vendor.model import MONTHS_PER_QUARTER
from headgate.economics.vendor_futures.simulate import Futures

LEVELS = (0.05, 0.5, 0.95)
LABELS = ("P5", "P50", "P95")
LIMITS = [
    "Intervals say what follows from the spreads below, which are assumed and independent of one "
    "another; the first quarter is taken as told. Nothing was fitted to a vendor's history.",
    "No future reacts: who loses still trains the next, dearer generation, so lower ends are low.",
    "Bits of the simulation repeat for one seed, one release of NumPy and one kind of processor.",
]


def interval_sentence(futures: Futures) -> str:
    """Return the interval of the last quarter's profit, and how often cash runs out."""
    [[low, _, high]] = billions_together([_exact(futures.profit[:, -1])])
    gone = _percent(np.isfinite(futures.runway_months))
    return f"in nine of ten futures {low} to {high} bn; cash runs out in {gone} of futures"


def interval_figures(futures: Futures) -> dict[str, str]:
    """Return the ends of the intervals by name."""
    ends = {
        "last_profit": ("_bn", _quantiles(futures.profit[:, -1], 3)),
        "profit_of_all": ("_bn", _quantiles(futures.profit.sum(axis=1), 3)),
        "runway": ("_months", _quantiles(futures.runway_months, 0, "lasts")),
        "zero_profit_price_last": ("", _quantiles(futures.zero_price, 4)),
    }
    return {
        f"{name}_{label.lower()}{unit}": text
        for name, (unit, texts) in ends.items()
        for label, text in zip(LABELS, texts, strict=True)
    }


def intervals(found: Mapping[str, Futures]) -> TableView:
    """Return the intervals of all scenarios."""
    columns = [">profit of the last quarter", ">profit of all quarters", ">runway months"]
    last = billions_together(_exact(one.profit[:, -1]) for one in found.values())
    every = billions_together(_exact(one.profit.sum(axis=1)) for one in found.values())
    return TableView(
        title="Nine of ten futures, P5 to P95, bn USD",
        columns=[
            *("scenario", *columns, ">price at no profit"),
            *(">last quarter earns", ">cash runs out"),
        ],
        rows=[
            [
                name,
                _span(last_texts),
                _span(every_texts),
                _span(_quantiles(one.runway_months, 0, "lasts")),
                _span(_quantiles(one.zero_price, 3)),
                _percent(one.profit[:, -1] > 0),
                _percent(np.isfinite(one.runway_months)),
            ]
            for (name, one), last_texts, every_texts in zip(found.items(), last, every, strict=True)
        ],
    )


def fan(futures: Futures) -> ChartView:
    """Return the profit of each quarter: the median and the ends of nine of ten futures."""
    columns = [_quantiles(quarter, 3) for quarter in futures.profit.T]
    return ChartView(
        title="Operating profit as given in nine of ten futures, bn USD a quarter",
        x="month",
        y="bn USD",
        series=[
            SeriesView(
                name=label,
                points=[
                    (str(MONTHS_PER_QUARTER * index), texts[level])
                    for index, texts in enumerate(columns)
                    if texts[level] != "none"
                ],
            )
            for level, label in enumerate(LABELS)
        ],
    )


def _quantiles(values: Floats, places: int, beyond: str = "none") -> list[str]:
    """Return the quantiles as text; `beyond` is what is infinite."""
    return [beyond if one is None else rounded(one, places) for one in _exact(values)]


def _exact(values: Floats) -> list[Fraction | None]:
    """Return the quantiles as futures have them, not between two; None is beyond every number."""
    found = np.quantile(values, LEVELS, method="inverted_cdf")
    return [Fraction(one) if np.isfinite(one) else None for one in found]


def _span(texts: list[str]) -> str:
    return f"{texts[0]} to {texts[-1]}" if texts[0] != texts[-1] else texts[0]


def _percent(true: NDArray[np.bool_]) -> str:
    return f"{100 * float(true.mean()):.1f} %"
