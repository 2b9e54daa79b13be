"""The report of the subscription desk as one page that needs nothing else: text, tables, a chart.

The chart is a heat map of the seller's margin on each plan over its utilisation, with a dot for
each seat that uses it. Everything is whole numbers, so the same report is the same page.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from html import escape
from typing import NamedTuple

from headgate.catalog.plans import Plan
from headgate.economics.page import STYLE, table_html
from headgate.economics.plans.break_even import margin
from headgate.economics.plans.estimate import Estimate
from headgate.economics.report import TableView

UTILISATIONS = (1, 2, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100)
"""Columns of the heat map, in percent."""
_LEFT, _TOP, _WIDTH, _HEIGHT = 170, 34, 62, 34


class Section(NamedTuple):
    """A heading with sentences, or with a table whose numeric columns begin with `>`."""

    title: str
    sentences: Sequence[str]
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


class Dot(NamedTuple):
    """A seat on the chart: where it stands on which plan."""

    seat: str
    plan: str
    utilisation: Fraction


def render(
    title: str, sections: Iterable[Section], chart: str, rests: Iterable[Section] = ()
) -> str:
    """Return the page: the sections, the chart, and what all of it rests on."""
    body = "\n".join(_section(one) for one in sections)
    basis = "\n".join(_section(one) for one in rests)
    return (
        f'<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{escape(title)}</title>'
        f"\n<style>{STYLE}</style>\n<h1>{escape(title)}</h1>\n{body}\n"
        f"<figure>{chart}</figure>\n{basis}\n</html>\n"
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
    sentences = "".join(f"<p>{escape(sentence)}</p>" for sentence in one.sentences)
    if one.columns:
        rows = [list(row) for row in one.rows]
        return table_html(TableView(title=one.title, columns=list(one.columns), rows=rows))
    return f"<h2>{escape(one.title)}</h2>{sentences}" if one.title else sentences
