"""The charts of a stress test: all architectures on one scale, and where routing begins to win."""

from fractions import Fraction

import numpy as np

from headgate.economics.amounts import places_of
from headgate.economics.exact import rounded
from headgate.economics.report import ChartView, SeriesView
from headgate.economics.stress.architectures import NAMES
from headgate.economics.stress.draws import Floats
from headgate.economics.stress.simulate import DECAY_SHARES, Run, worst_mean

LEVELS = ((0.5, "P50"), (0.95, "P95"))
"""What is shown over time; the first is a plain line, the other dashed."""


def usd(value: float) -> str:
    """Return an amount as a plain number, to the cent."""
    text = f"{value:.2f}"
    return "0.00" if text == "-0.00" else text


def over_time(run: Run) -> ChartView:
    """Return what each architecture has cost by each month, in the median and at the worse end."""
    series = []
    for name in NAMES:
        found = run.outcomes[name]
        so_far: Floats = np.cumsum(found.spend_usd + found.loss_usd, axis=1)
        for level, label in LEVELS:
            line = np.quantile(so_far, level, axis=0)
            series.append(
                SeriesView(
                    name=f"{name} {label}",
                    points=[(str(month), usd(float(one))) for month, one in enumerate(line, 1)],
                    dashed=label != LEVELS[0][1],
                )
            )
    return ChartView(
        title="Cost so far: the median, and dashed what one path in twenty exceeds",
        x="month",
        y="USD",
        series=series,
    )


def ends(run: Run) -> ChartView:
    """Return what all months cost: a group of bars for each architecture, on one scale."""
    levels = (0.05, *(level for level, _ in LEVELS))
    costs = [run.outcomes[name].cost_usd for name in NAMES]
    rows = [[*np.quantile(one, levels), worst_mean(one)] for one in costs]
    places = places_of(Fraction(value) for row in rows for value in row)
    series = [
        SeriesView(
            name=label,
            points=[
                (name, rounded(Fraction(row[number]), places))
                for name, row in zip(NAMES, rows, strict=True)
            ],
        )
        for number, label in enumerate(("P5", *(label for _, label in LEVELS), "CVaR95"))
    ]
    return ChartView(
        title="Cost of all months, by architecture",
        x="architecture",
        y="USD",
        series=series,
        kind="bars",
    )


def surface_chart(shares: list[float], surface: list[list[float]], mine: float) -> ChartView:
    """Return the crossover surface, a row for each share that is routable; `mine` is the run's."""
    rows = [
        SeriesView(
            name=f"{100 * share:.0f} %{' (as given)' if share == mine else ''}",
            points=[(decay, usd(value)) for decay, value in zip(DECAY_SHARES, row, strict=True)],
        )
        for share, row in zip(shares, surface, strict=True)
    ]
    return ChartView(
        title="Where routing begins to win: what price-protected costs more in the median, USD",
        x="how fast prices fall, as a share of the stated pace",
        y="routable",
        series=rows,
        kind="surface",
    )
