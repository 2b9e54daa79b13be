"""A chart from one total to another, step by step, as SVG: what each step adds or takes.

Floats are pixels here; the numbers come and are shown as decimal text.
"""

from html import escape
from itertools import accumulate, pairwise

from headgate.economics.amounts import grouped
from headgate.economics.report import ChartView

WIDTH, ROW, TOP, NAME, ROOM = 720, 30, 8, 110, 100
"""Pixels: of the whole, of a row, above the first, for names, for numbers behind bars."""
TOTAL, LESS, MORE = "#1f5f8b", "#4f772d", "#c8553d"


def steps_svg(chart: ChartView) -> str:
    """Return a chart of kind `steps`: its first and last point are totals, the others changes."""
    points = chart.series[0].points if chart.series else []
    if len(points) < 2:
        return ""
    first, *changes, last = (float(value) for _, value in points)
    reached = list(accumulate(changes, initial=first))
    spans = [(0.0, first), *pairwise(reached), (0.0, last)]
    low, high = min(0.0, *reached, last), max(0.0, *reached, last)
    scale = (WIDTH - NAME - ROOM) / ((high - low) or 1)
    height = 2 * TOP + ROW * len(points)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(chart.title)}">',
    ]
    for row, ((name, value), (begin, end)) in enumerate(zip(points, spans, strict=True)):
        left, right = (round(NAME + (at - low) * scale, 1) for at in sorted((begin, end)))
        is_total = row in (0, len(points) - 1)
        colour, series = _look(begin, end, is_total=is_total)
        y = TOP + row * ROW
        parts += [
            f'<text x="{NAME - 8}" y="{y + 19}" text-anchor="end">{escape(name)}</text>',
            f'<rect x="{left}" y="{y + 4}" width="{max(1.0, round(right - left, 1))}" height="22" '
            f'fill="{colour}" class="step series-{series}"/>',
            f'<text x="{right + 6}" y="{y + 19}">{escape(grouped(value))}</text>',
        ]
    return "\n".join([*parts, "</svg>"])


def _look(begin: float, end: float, *, is_total: bool) -> tuple[str, int]:
    """Return a bar's colour, and the number of the series it has in a theme."""
    if is_total:
        return TOTAL, 0
    return (LESS, 3) if end < begin else (MORE, 4)
