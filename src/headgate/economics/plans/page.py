"""The report of the subscription desk as one page that needs nothing else: text, tables, a chart.

The chart is a heat map of the seller's margin on each plan over its utilisation, with a dot for
each seat that uses it. Everything is whole numbers, so the same report is the same page.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from html import escape
from typing import NamedTuple

from headgate.catalog.plans import Plan
from headgate.economics.plans.break_even import margin
from headgate.economics.plans.estimate import Estimate

UTILISATIONS = (1, 2, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
"""Columns of the heat map, in percent."""
_LEFT, _TOP, _WIDTH, _HEIGHT = 170, 34, 62, 34

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 66rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #8884; }
td.n, th.n { text-align: right; }
figure { margin: 1rem 0; overflow-x: auto; }
svg text { font: 13px system-ui, sans-serif; }
.dim { opacity: .75; font-size: .9rem; }
"""


class Section(NamedTuple):
    """A heading, sentences, and a table whose numeric columns begin with `>` (none: no table)."""

    title: str
    sentences: Sequence[str]
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


class Dot(NamedTuple):
    """A seat on the chart: where it stands on which plan."""

    seat: str
    plan: str
    utilisation: Fraction


def render(title: str, sections: Iterable[Section], chart: str) -> str:
    """Return the page."""
    body = "\n".join(_section(one) for one in sections)
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{escape(title)}</title>'
        f"\n<style>{_STYLE}</style>\n<h1>{escape(title)}</h1>\n{body}\n"
        f"<figure>{chart}</figure>\n</html>\n"
    )


def heat_map(
    plans: Sequence[tuple[Plan, Estimate]], dots: Sequence[Dot], serving_cost: Fraction
) -> str:
    """Return the margins of plans with a known capacity over utilisation, as SVG."""
    width = _LEFT + _WIDTH * len(UTILISATIONS)
    height = _TOP + _HEIGHT * len(plans) + 10
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}">',
        "<title>What the seller keeps of a seat's price, by how much of the plan is used</title>",
    ]
    parts += [
        f'<text x="{_x(column) + _WIDTH // 2}" y="20" text-anchor="middle" fill="currentColor">'
        f"{percent} %</text>"
        for column, percent in enumerate(UTILISATIONS)
    ]
    for row, (plan, capacity) in enumerate(plans):
        parts += _row(row, plan, capacity, serving_cost)
        parts += [_dot(row, dot) for dot in dots if dot.plan == plan.id]
    return "\n".join([*parts, "</svg>"])


def percent(share: Fraction, decimals: int = 0) -> str:
    """Return a share as text in percent, rounded half up, such as `5.7`."""
    scale: int = 10**decimals
    scaled = (abs(share) * 100 * scale + Fraction(1, 2)).__floor__()
    whole, rest = divmod(scaled, scale)
    sign = "-" if share < 0 and scaled else ""
    return f"{sign}{whole}" + (f".{rest:0{decimals}d}" if decimals else "")


def _row(row: int, plan: Plan, capacity: Estimate, serving_cost: Fraction) -> list[str]:
    y = _TOP + row * _HEIGHT
    parts = [
        f'<text x="{_LEFT - 8}" y="{y + 22}" text-anchor="end" fill="currentColor">'
        f"{escape(plan.title)}</text>"
    ]
    for column, used in enumerate(UTILISATIONS):
        kept = margin(Fraction(used, 100), plan.price_nanos, capacity.middle, serving_cost)
        fill, ink = _colour(kept)
        parts.append(
            f'<rect x="{_x(column)}" y="{y}" width="{_WIDTH - 2}" height="{_HEIGHT - 2}" '
            f'fill="{fill}"/><text x="{_x(column) + _WIDTH // 2}" y="{y + 21}" '
            f'text-anchor="middle" fill="{ink}">{percent(kept)} %</text>'
        )
    return parts


def _colour(kept: Fraction) -> tuple[str, str]:
    """Return fill and ink: blue is a gain, orange a loss; the paler, the nearer to nothing."""
    if kept >= 0:
        strength = int(min(kept, Fraction(1)) * 60)
        lightness = 94 - strength
        return f"hsl(215 70% {lightness}%)", "#fff" if lightness < 60 else "#111"
    strength = int(min(-kept / 5, Fraction(1)) * 50)
    return f"hsl(28 90% {92 - strength}%)", "#111"


def _dot(row: int, dot: Dot) -> str:
    """Return a mark between the columns its utilisation lies between."""
    share = min(max(dot.utilisation * 100, Fraction(UTILISATIONS[0])), Fraction(100))
    column = max(index for index, one in enumerate(UTILISATIONS) if one <= share)
    ahead = Fraction(0)
    if column + 1 < len(UTILISATIONS):
        step = UTILISATIONS[column + 1] - UTILISATIONS[column]
        ahead = (share - UTILISATIONS[column]) / step
    x = _x(column) + _WIDTH // 2 + int(ahead * _WIDTH)
    y = _TOP + row * _HEIGHT + 27
    told = f"{dot.seat}: {percent(dot.utilisation, 1)} % of the plan"
    return (
        f'<circle cx="{x}" cy="{y}" r="4" fill="#111" stroke="#fff" stroke-width="2">'
        f"<title>{escape(told)}</title></circle>"
    )


def _x(column: int) -> int:
    return _LEFT + column * _WIDTH


def _section(one: Section) -> str:
    parts = [f"<h2>{escape(one.title)}</h2>"] if one.title else []
    parts += [f"<p>{escape(sentence)}</p>" for sentence in one.sentences]
    if one.columns:
        marks = [' class="n"' if name.startswith(">") else "" for name in one.columns]
        names = zip(marks, one.columns, strict=True)
        head = "".join(f"<th{mark}>{escape(name.lstrip('>'))}</th>" for mark, name in names)
        rows = "".join(
            "<tr>"
            + "".join(
                f"<td{mark}>{escape(cell)}</td>" for mark, cell in zip(marks, row, strict=True)
            )
            + "</tr>"
            for row in one.rows
        )
        parts.append(f"<table><tr>{head}</tr>{rows}</table>")
    return "\n".join(parts)
