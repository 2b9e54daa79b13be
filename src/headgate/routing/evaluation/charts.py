"""Charts as SVG text: cost-quality frontier, reliability diagram, loss by horizon quartile.

Three shapes are all they need, so they are written out here rather than by a plotting library.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

from headgate.routing.evaluation.result import Result
from headgate.routing.evaluation.sessions import SessionsResult

WIDTH, HEIGHT = 720, 440
LEFT, RIGHT, TOP, BOTTOM = 80, 24, 44, 60
TICKS_MAX = 7
BLUE, GREY, ORANGE, GREEN, INK = "#1f5fa8", "#777777", "#c4620a", "#2f7d32", "#222222"


@dataclass(slots=True)
class Chart:
    """A frame with two axes that marks are put into.

    Attributes:
        title: What it shows.
        across: Name of the horizontal axis.
        up: Name of the vertical axis.
        xs: Ends of the horizontal axis.
        ys: Ends of the vertical axis.
    """

    title: str
    across: str
    up: str
    xs: tuple[float, float]
    ys: tuple[float, float]
    marks: list[str] = field(default_factory=list)

    def dot(self, x: float, y: float, colour: str, label: str) -> None:
        """Mark a point; the label stands beside it."""
        at_x, at_y = self._x(x), self._y(y)
        self.marks.append(f'<circle cx="{at_x:.1f}" cy="{at_y:.1f}" r="4" fill="{colour}"/>')
        # Near the right edge a label would be cut off, so it stands on the other side.
        side, anchor = (-7, "end") if at_x > WIDTH * 0.6 else (7, "start")
        self.marks.append(_text(at_x + side, at_y - 6, label, anchor=anchor, size=11))

    def line(self, points: Sequence[tuple[float, float]], colour: str, dashes: str = "") -> None:
        """Draw a line through points; `dashes` as in SVG's stroke-dasharray."""
        path = " ".join(f"{self._x(x):.1f},{self._y(y):.1f}" for x, y in points)
        dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
        self.marks.append(
            f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashed}/>'
        )

    def bar(self, x: float, low: float, high: float, colour: str) -> None:
        """Draw a vertical interval with ends."""
        at, top, bottom = self._x(x), self._y(high), self._y(low)
        for ends in (
            (at, top, at, bottom),
            (at - 5, top, at + 5, top),
            (at - 5, bottom, at + 5, bottom),
        ):
            self.marks.append(_segment(ends, colour))

    def svg(self, ticks: Iterable[tuple[float, str]] | None = None) -> str:
        """Return the whole picture; `ticks` replaces the numbers under the horizontal axis."""
        frame = (
            f'<rect x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT}" '
            f'height="{HEIGHT - TOP - BOTTOM}" fill="none" stroke="#cccccc"/>'
        )
        middle = (LEFT + WIDTH - RIGHT) / 2
        upright = f'transform="rotate(-90 18 {HEIGHT / 2})"'
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            'font-family="sans-serif" role="img">',
            f"<title>{escape(self.title)}</title>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            _text(middle, 26, self.title, size=15),
            _text(middle, HEIGHT - 14, self.across),
            _text(18, HEIGHT / 2, self.up, extra=upright),
            frame,
            *(
                _text(self._x(at), HEIGHT - BOTTOM + 20, told, size=11)
                for at, told in (ticks or _ticks(self.xs))
            ),
            *(
                _text(LEFT - 8, self._y(at) + 4, told, anchor="end", size=11)
                for at, told in _ticks(self.ys)
            ),
            *self.marks,
            "</svg>",
        ]
        return "\n".join(parts) + "\n"

    def _x(self, value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * _share(value, self.xs)

    def _y(self, value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * _share(value, self.ys)


def of_calls(result: Result) -> dict[str, str]:
    """Return the charts of an evaluation of single calls, by file name without its ending."""
    return {"frontier": frontier(result), "reliability": reliability(result)}


def of_sessions(result: SessionsResult) -> dict[str, str]:
    """Return the chart of an evaluation of tasks; none where the calls of tasks are unknown."""
    drawn = horizon(result)
    return {"horizon": drawn} if drawn else {}


def frontier(result: Result) -> str:
    """Return quality over cost: what hindsight could reach, what was chosen, comparisons."""
    singles = {
        "best single": result.best_single,
        "cheapest": result.cheapest,
        "oracle": result.oracle,
    }
    edge = [(one.cost_per_call, one.quality) for one in result.frontier]
    every = [*edge, *((one.cost_per_call, one.quality) for one in singles.values())]
    every += [(one.cost_per_call, one.quality) for one in result.points.values()]
    chart = Chart(
        "Cost and quality",
        "mean cost per call",
        "mean score",
        (0.0, _ends([x for x, _ in every])[1]),
        _ends([y for _, y in every]),
    )
    chart.line(edge, BLUE)
    mixed = result.zero_router.points.values()
    chart.line(sorted((one.cost_per_call, one.quality) for one in mixed), GREY, dashes="5 4")
    for label, single in singles.items():
        chart.dot(single.cost_per_call, single.quality, ORANGE, label)
    for name, one in result.points.items():
        chart.dot(one.cost_per_call, one.quality, BLUE, f"router at {name}")
    return chart.svg()


def reliability(result: Result) -> str:
    """Return observed over estimated quality; on the diagonal an estimate means what it says."""
    chart = Chart(
        f"Reliability, ECE {result.ece:.3f}",
        "estimated quality",
        "observed quality",
        (0.0, 1.0),
        (0.0, 1.0),
    )
    chart.line([(0, 0), (1, 1)], GREY, dashes="5 4")
    chart.line([(one.estimated, one.observed) for one in result.reliability], BLUE)
    for one in result.reliability:
        chart.dot(one.estimated, one.observed, BLUE, str(one.n))
    return chart.svg()


def horizon(result: SessionsResult) -> str:
    """Return the difference to the best single model by horizon quartile; empty without calls."""
    kinds = {
        "cascade": (result.cascade.quartiles, BLUE),
        "step cap": (result.step_cap.quartiles, GREEN),
        "cheapest model": (result.cheapest_model.quartiles, ORANGE),
    }
    quarters = result.cascade.quartiles
    if not quarters:
        return ""
    points = [one.point for drawn, _ in kinds.values() for one in drawn]
    chart = Chart(
        "Difference to the best single model by horizon",
        "calls a task takes",
        "percentage points, 95 % intervals",
        (-0.5, len(quarters) - 0.5),
        _ends([end for one in points for end in (one.diff_ci_low_pp, one.diff_ci_high_pp, 0)]),
    )
    chart.line([(-0.5, 0), (len(quarters) - 0.5, 0)], GREY, dashes="5 4")
    for place, (label, (drawn, colour)) in enumerate(kinds.items()):
        for at, one in enumerate(drawn):
            x = at + (place - 1) * 0.12
            chart.bar(x, one.point.diff_ci_low_pp, one.point.diff_ci_high_pp, colour)
            chart.dot(x, one.point.diff_pp, colour, label if at == 0 else "")
    spans = [f"{one.calls_min:.0f}-{one.calls_max:.0f}" for one in quarters]
    return chart.svg(ticks=list(enumerate(spans)))


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """Return ends with a little room on both sides."""
    finite = [value for value in values if math.isfinite(value)] or [0.0]
    low, high = min(finite), max(finite)
    room = (high - low) * 0.06 or abs(high) * 0.06 or 1.0
    return low - room, high + room


def _ticks(ends: tuple[float, float]) -> list[tuple[float, str]]:
    """Return round numbers between the ends: steps of 1, 2 or 5 times a power of ten."""
    low, high = ends
    least = (high - low) / TICKS_MAX
    power = 10.0 ** math.floor(math.log10(least))
    step = next(power * times for times in (1, 2, 5, 10) if power * times >= least)
    places = range(math.ceil(low / step), math.floor(high / step) + 1)
    return [(place * step, f"{place * step:.6g}") for place in places]


def _share(value: float, ends: tuple[float, float]) -> float:
    return (value - ends[0]) / (ends[1] - ends[0])


def _segment(ends: tuple[float, float, float, float], colour: str) -> str:
    x1, y1, x2, y2 = ends
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
        f'stroke="{colour}" stroke-width="1.5"/>'
    )


def _text(
    x: float,
    y: float,
    told: str,
    *,
    anchor: str = "middle",
    size: int = 13,
    extra: str = "",
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
        f'fill="{INK}" {extra}>{escape(told)}</text>'
    )
