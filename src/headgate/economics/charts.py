"""Charts as SVG text: lines over an axis, or another kind of its own module; no script or link.

Floats are pixels here; the numbers themselves come and are labelled as decimal text.
"""

from html import escape
from math import ceil, floor, log10

from headgate.economics.bars import bars_svg
from headgate.economics.dots import dots_svg
from headgate.economics.report import ChartView, SeriesView
from headgate.economics.steps import steps_svg
from headgate.economics.surfaces import surface_svg

WIDTH, HEIGHT = 720, 320
LEFT, RIGHT, TOP, BOTTOM = 84, 190, 16, 44
COLOURS = ("#1f5f8b", "#c8553d", "#4f772d", "#8d5a97", "#b08900", "#555555")
GRID = "#ddd"
NAME_CHARACTERS_MAX = 32
"""A longer name of a line is cut: it would end outside of the chart."""
TICKS_MAX = 6
ROUND = (1, 2, 5, 10)
"""Distances between ticks, times a power of ten."""
OTHERS = {"steps": steps_svg, "dots": dots_svg, "bars": bars_svg, "surface": surface_svg}
"""What draws the other kinds."""


def chart_svg(chart: ChartView) -> str:
    """Return a chart as an `svg` element, labels escaped."""
    if (other := OTHERS.get(chart.kind)) is not None:
        return other(chart)
    xs = [float(x) for series in chart.series for x, _ in series.points]
    ys = [float(y) for series in chart.series for _, y in series.points]
    if not xs:
        return ""
    spans = (min(xs), max(xs)), _rounded(min(0.0, *ys), max(0.0, *ys))
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(chart.title)}">',
        *_axes(chart, spans),
    ]
    colour = -1
    for index, series in enumerate(chart.series):
        colour += not series.dashed or colour < 0
        parts += _line(series, index, colour % len(COLOURS), spans)
    return "\n".join([*parts, "</svg>"])


Spans = tuple[tuple[float, float], tuple[float, float]]


def _at(x: float, y: float, spans: Spans) -> tuple[float, float]:
    """Return the pixels of a point."""
    (x0, x1), (y0, y1) = spans
    across = (x - x0) / ((x1 - x0) or 1)
    up = (y - y0) / ((y1 - y0) or 1)
    return (
        round(LEFT + across * (WIDTH - LEFT - RIGHT), 1),
        round(HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM), 1),
    )


def _rounded(low: float, high: float) -> tuple[float, float]:
    """Return a span of whole ticks that holds all of another one."""
    step = _step(low, high)
    return floor(low / step) * step, ceil(high / step) * step


def _ticks(low: float, high: float) -> list[float]:
    """Return the round numbers within a span, at most `TICKS_MAX`."""
    step = _step(low, high)
    return [at * step for at in range(ceil(low / step), floor(high / step) + 1)]


def _step(low: float, high: float) -> float:
    least = ((high - low) or 1) / (TICKS_MAX - 1)
    power = 10.0 ** floor(log10(least))
    return next(each * power for each in ROUND if each * power >= least * (1 - 1e-9))


def _axes(chart: ChartView, spans: Spans) -> list[str]:
    (x0, x1), (y0, y1) = spans
    parts = []
    for y in _ticks(y0, y1):
        _, pixel_y = _at(x0, y, spans)
        parts += [
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{pixel_y}" y2="{pixel_y}" '
            f'stroke="{GRID}" class="grid"/>',
            f'<text x="{LEFT - 6}" y="{pixel_y + 4}" text-anchor="end">{_tick(y)}</text>',
        ]
    for x in _ticks(x0, x1):
        pixel_x, _ = _at(x, y0, spans)
        parts.append(
            f'<text x="{pixel_x}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{_tick(x)}</text>'
        )
    return [
        *parts,
        f'<text x="{LEFT}" y="{HEIGHT - 8}">{escape(chart.x)}</text>',
        f'<text x="{LEFT}" y="{TOP - 4}">{escape(chart.y)}</text>',
    ]


def _tick(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.4g}"


def _line(series: SeriesView, index: int, number: int, spans: Spans) -> list[str]:
    """Return a line and its name; `number` is its colour's."""
    colour = COLOURS[number]
    dashes = ' stroke-dasharray="6 4"' if series.dashed else ""
    points = [_at(float(x), float(y), spans) for x, y in series.points]
    path = " ".join(f"{x},{y}" for x, y in points)
    legend = TOP + 14 + 18 * index
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashes} '
        f'class="line series-{number}"/>',
        f'<text x="{WIDTH - RIGHT + 10}" y="{legend}" fill="{colour}" '
        f'class="name series-{number}">{escape(_cut(series.name))}</text>',
    ]


def _cut(name: str) -> str:
    return name if len(name) <= NAME_CHARACTERS_MAX else f"{name[: NAME_CHARACTERS_MAX - 1]}…"
