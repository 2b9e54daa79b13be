"""A chart of what was computed as a percentage of what was expected, a row per name, as SVG.

Floats are pixels here; the numbers come as decimal text.
"""

from html import escape

from headgate.economics.report import ChartView

WIDTH, ROW, TOP, BOTTOM, NAME, ROOM = 720, 16, 28, 26, 60, 190
"""Pixels: of the whole, of a row, above the first, below the last, for names, for the legend."""
LOW, HIGH = 0, 200
"""The axis in percent; a dot beyond it, or of no number, stands at its end."""
GRID = "#ddd"
TICKS = (0, 50, 100, 150, 200)
LOOKS = (("#1f5f8b", 0), ("#c8553d", 4))
"""Of what agrees and of what differs: the colour, and the number of the series in a theme."""


def dots_svg(chart: ChartView) -> str:
    """Return a chart of kind `dots`; of its two series the first is what agrees.

    Rows are in the order of their names, and each says how many of its figures agree.
    """
    agreeing, differing = (
        [name for name, _ in series.points] for series in (chart.series[0], chart.series[1])
    )
    names = sorted({*agreeing, *differing})
    if not names:
        return ""
    rows = {name: TOP + ROW * index + ROW // 2 for index, name in enumerate(names)}
    height = TOP + ROW * len(names) + BOTTOM
    counts = {name: (agreeing.count(name), differing.count(name)) for name in names}
    return "\n".join(
        [
            f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(chart.title)}">',
            *_axis(chart.x, height),
            *(
                f'<text x="{NAME - 8}" y="{y + 4}" text-anchor="end">{escape(name)}</text>'
                f'<text x="{WIDTH - ROOM + 12}" y="{y + 4}">{_of(*counts[name])}</text>'
                for name, y in rows.items()
            ),
            *(
                f'<circle cx="{_across(number)}" cy="{rows[name]}" r="4" fill="{colour}" '
                f'class="dot series-{look}"/>'
                for series, (colour, look) in zip(chart.series, LOOKS, strict=True)
                for name, number in series.points
            ),
            *(
                f'<text x="{WIDTH - 90}" y="{TOP + 14 + 18 * index}" fill="{colour}" '
                f'class="name series-{look}">{escape(series.name)}</text>'
                for index, (series, (colour, look)) in enumerate(
                    zip(chart.series, LOOKS, strict=True)
                )
            ),
            "</svg>",
        ]
    )


def _axis(title: str, height: int) -> list[str]:
    return [
        f'<text x="{NAME}" y="{TOP - 14}">{escape(title)}</text>',
        *(
            f'<line x1="{_across(str(tick))}" x2="{_across(str(tick))}" y1="{TOP}" '
            f'y2="{height - BOTTOM}" stroke="{GRID}" class="grid"/>'
            f'<text x="{_across(str(tick))}" y="{height - 8}" text-anchor="middle">{tick}</text>'
            for tick in TICKS
        ),
    ]


def _across(number: str) -> float:
    """Return the pixel of a percentage; `none` stands at the end, like what is beyond it."""
    value = float(HIGH) if number == "none" else min(max(float(number), LOW), HIGH)
    return round(NAME + (value - LOW) / (HIGH - LOW) * (WIDTH - NAME - ROOM), 1)


def _of(agreeing: int, differing: int) -> str:
    return f"{agreeing} of {agreeing + differing}"
