"""A chart of bars, a group per name and a bar per series, as SVG.

Floats are pixels here; the numbers come and are shown as decimal text.
"""

from html import escape

from headgate.economics.amounts import grouped
from headgate.economics.report import ChartView

WIDTH, ROW, GAP, TOP, NAME, ROOM, LETTER = 720, 18, 8, 30, 110, 100, 7
"""Pixels: of the whole, of a bar, between groups, above the first, for names at least, for numbers,
for a letter of a name."""
COLOURS = ("#1f5f8b", "#c8553d", "#4f772d", "#8d5a97")


def bars_svg(chart: ChartView) -> str:
    """Return a chart of kind `bars`; groups stand in the order of the first series' points."""
    names = list(dict.fromkeys(name for series in chart.series for name, _ in series.points))
    if not names:
        return ""
    left = max(NAME, LETTER * max(map(len, names)) + GAP)
    most = max(float(value) for series in chart.series for _, value in series.points)
    scale = (WIDTH - left - ROOM) / (most if most > 0 else 1)
    step = ROW * len(chart.series) + GAP
    height = TOP + step * len(names)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(chart.title)}">',
        f'<text x="{left}" y="16">{escape(chart.y)}</text>',
    ]
    for place, name in enumerate(names):
        y = TOP + step * place
        parts.append(f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{escape(name)}</text>')
    for index, series in enumerate(chart.series):
        colour = COLOURS[index % len(COLOURS)]
        look = f'fill="{colour}" class="step series-{index}"'
        name_at = f'x="{left + 60 + 140 * index}" y="16"'
        parts.append(f"<text {name_at} {look}>{escape(series.name)}</text>")
        for name, value in series.points:
            y = TOP + step * names.index(name) + ROW * index
            long = max(1.0, round(max(0.0, float(value)) * scale, 1))
            parts += [
                f'<rect x="{left}" y="{y}" width="{long}" height="{ROW - 4}" {look}/>',
                f'<text x="{round(left + long + 6, 1)}" y="{y + 12}">{escape(grouped(value))}'
                "</text>",
            ]
    return "\n".join([*parts, "</svg>"])
