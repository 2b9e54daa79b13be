"""Charts as one picture: SVG that needs no page around it, with titles above and its source below.

The charts are those of the pages, so that both show the same.
"""

import re
import textwrap
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

FONT = "Arimo"
"""What letters are drawn in: whoever draws the picture must have it, or there are none."""

WIDTH, MARGIN, TITLE, LINE, GAP, FOOT = 760, 20, 30, 18, 22, 30
"""Pixels: of the whole, around it, of its title, of a line of a chart's, between charts, below."""
TITLE_CHARACTERS_MAX = 100
INK, PALE = "#222", "#666"
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that a document cannot hold (XML 1.0, 2.2), which names from files may."""
_OPENING = re.compile(r'<svg\b[^>]*\bviewBox="0 0 (\d+) (\d+)"[^>]*>')


class Drawn(NamedTuple):
    """A chart as SVG, with its title."""

    title: str
    svg: str


def picture(title: str, charts: Sequence[Drawn], signed: str) -> str:
    """Return charts below one another as one SVG document; the same charts give the same text.

    Args:
        title: Of the whole.
        charts: Each an `svg` element whose `viewBox` begins at nothing.
        signed: What they were made by and from.
    """
    y = MARGIN + TITLE
    parts = [_text(title, y - 12, size=20, weight="bold")]
    for chart in charts:
        for line in textwrap.wrap(chart.title, TITLE_CHARACTERS_MAX):
            y += LINE
            parts.append(_text(line, y, size=14, weight="bold"))
        y += LINE // 2
        placed, height = _placed(chart.svg, y)
        parts.append(placed)
        y += height + GAP
    parts.append(_text(signed, y + FOOT - MARGIN, size=9, colour=PALE))
    height = y + FOOT
    document = "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}" font-family="{FONT}" font-size="11" '
            f'fill="{INK}" color="{INK}">',
            f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
            *parts,
            "</svg>\n",
        ]
    )
    return _NO_XML.sub("\ufffd", document)


def _placed(svg: str, y: int) -> tuple[str, int]:
    """Return a chart in its place, as wide as the picture, and how high it is there."""
    found = _OPENING.match(svg)
    assert found is not None, svg[:100]
    across, down = int(found[1]), int(found[2])
    width = WIDTH - 2 * MARGIN
    height = down * width // across
    opening = (
        f'<svg x="{MARGIN}" y="{y}" width="{width}" height="{height}" '
        f'viewBox="0 0 {across} {down}">'
    )
    return opening + svg[found.end() :], height


def _text(line: str, y: int, *, size: int, weight: str = "normal", colour: str = INK) -> str:
    return (
        f'<text x="{MARGIN}" y="{y}" font-size="{size}" font-weight="{weight}" '
        f'fill="{colour}">{escape(line)}</text>'
    )
