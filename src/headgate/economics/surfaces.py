"""A chart of a number over two others, a cell each, with a line where its sign turns, as SVG.

Floats are pixels here; the numbers come and are shown as decimal text.
"""

from collections.abc import Sequence
from fractions import Fraction
from html import escape

from headgate.economics.amounts import dollars, places_of
from headgate.economics.report import ChartView

WIDTH, ROW, TOP, BOTTOM, NAME = 720, 34, 40, 24, 110
"""Pixels: of the whole, of a row, above the first, below the last, for names."""
ABOVE, BELOW = ("215 70%", 56), ("28 90%", 44)
"""Hue and strength of what is above nothing, and below it; the paler, the nearer to nothing."""


def surface_svg(chart: ChartView) -> str:
    """Return a chart of kind `surface`; its rows share the first row's columns."""
    if not chart.series or not chart.series[0].points:
        return ""
    columns = [x for x, _ in chart.series[0].points]
    across = (WIDTH - NAME) / len(columns)
    values = [[Fraction(value) for _, value in row.points] for row in chart.series]
    largest = max((abs(one) for row in values for one in row), default=Fraction(0)) or Fraction(1)
    places = places_of(one for row in values for one in row)
    height = TOP + ROW * len(values) + BOTTOM
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(chart.title)}">',
        f'<text x="{NAME}" y="12">{escape(chart.x)}</text>',
        f'<text x="{NAME - 8}" y="{TOP - 10}" text-anchor="end">{escape(chart.y)}</text>',
        *(
            f'<text x="{_middle(index, across)}" y="{TOP - 10}" text-anchor="middle">'
            f"{escape(column)}</text>"
            for index, column in enumerate(columns)
        ),
    ]
    for number, (row, cells) in enumerate(zip(chart.series, values, strict=True)):
        y = TOP + ROW * number
        parts.append(
            f'<text x="{NAME - 8}" y="{y + 21}" text-anchor="end">{escape(row.name)}</text>'
        )
        parts += [
            _cell(_left(index, across), y, across, float(one / largest), dollars(one, places))
            for index, one in enumerate(cells)
        ]
    return "\n".join([*parts, *_turn(values, across), *_legend(height), "</svg>"])


def _cell(x: float, y: int, across: float, part: float, text: str) -> str:
    (hue, strength), pale = (ABOVE, 95) if part >= 0 else (BELOW, 94)
    lightness = pale - round(strength * abs(part))
    ink = "#fff" if lightness < 60 and part >= 0 else "#111"
    return (
        f'<rect x="{x}" y="{y}" width="{round(across - 2, 1)}" height="{ROW - 2}" '
        f'fill="hsl({hue} {lightness}%)"/>'
        f'<text x="{round(x + across / 2 - 1, 1)}" y="{y + 20}" text-anchor="middle" '
        f'fill="{ink}">{text}</text>'
    )


def _turn(values: Sequence[Sequence[Fraction]], across: float) -> list[str]:
    """Return a line between what is not above nothing and what is, where each row turns."""
    parts, before = [], None
    for number, row in enumerate(values):
        turns = [at for at in range(1, len(row)) if row[at - 1] <= 0 < row[at]]
        y = TOP + ROW * number - 1
        x = _left(turns[0], across) - 1 if turns else None
        if x is not None:
            begins = x if before is None else before
            parts.append(
                f'<polyline points="{begins},{y} {x},{y} {x},{y + ROW}" fill="none" '
                'stroke="currentColor" stroke-width="2.5" stroke-linecap="square"/>'
            )
        before = x
    return parts


def _legend(height: int) -> list[str]:
    return [
        f'<text x="{NAME}" y="{height - 6}">Blue is above 0, orange below it; the line is where '
        "that turns.</text>"
    ]


def _left(index: int, across: float) -> float:
    return round(NAME + index * across, 1)


def _middle(index: int, across: float) -> float:
    return round(NAME + (index + 0.5) * across - 1, 1)
