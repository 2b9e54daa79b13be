"""The live picture in the terminal; pure: from figures to something rich can draw."""

from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from headgate.budgets.standing import Standing
from headgate.cli.demonstration.figures import (
    Figures,
    Session,
    cached_tokens,
    nanos_per_million,
    prompt_tokens,
)
from headgate.insights.calls import AttemptRow, CallRow
from headgate.units.instants import to_iso
from headgate.units.money import NANOS_PER_USD

BAR_CELLS = 24
BAR_CELLS_NARROW = 14
COLUMNS_WIDE_MIN = 100
"""A narrower terminal gets shorter bars and fewer columns."""
LINES_OF_THE_REST = 23
"""What the picture needs beside the rows of the latest calls."""
CALLS_SHOWN_MAX = 14
CALLS_SHOWN_MIN = 3
_CALL_COLUMNS = {
    "Latest": 10,
    "who": 10,
    "asked": 8,
    "served by": 9,
    ">in": 6,
    ">cached": 6,
    ">out": 4,
    ">cost": 9,
    "": 21,
}
"""Least widths, so that nothing jumps when the rows change."""
_STEPS = " ▁▂▃▄▅▆▇█"


class Moment(NamedTuple):
    """What is known beside the store's figures.

    Attributes:
        elapsed_s: Since the traffic began.
        added_ms: Median time the gateway adds to the first token, None before it is known.
        lines: How many the terminal has, and so `columns`.
        addresses: Where the node answers, in a few words.
    """

    elapsed_s: int
    added_ms: float | None
    lines: int
    columns: int
    addresses: str

    @property
    def wide(self) -> bool:
        """Whether there is room for everything."""
        return self.columns >= COLUMNS_WIDE_MIN


def picture(figures: Figures, moment: Moment) -> RenderableType:
    """Return the whole picture."""
    rows = max(CALLS_SHOWN_MIN, min(CALLS_SHOWN_MAX, moment.lines - LINES_OF_THE_REST))
    return Group(
        _headline(figures, moment),
        Text(),
        _budgets(figures, wide=moment.wide),
        Text(),
        _sessions(figures.sessions),
        Text(),
        _calls(figures.recent[:rows], wide=moment.wide),
        Text(),
        _footer(figures, moment),
    )


def plain_line(figures: Figures, elapsed_s: int) -> str:
    """Return the picture as one line, for what is no terminal."""
    totals = figures.totals
    return (
        f"{elapsed_s:4} s  calls {totals.calls}  refused {totals.refused}  "
        f"spend ${usd(totals.spend_nanos, 4)}  held ${usd(totals.held_nanos, 4)}  "
        f"from cache {figures.cached_percent} %"
    )


def usd(amount_nanos: int, decimals: int) -> str:
    """Return an amount rounded half up to so many decimals, for people."""
    unit = NANOS_PER_USD // 10**decimals
    whole, part = divmod((amount_nanos + unit // 2) // unit, 10**decimals)
    return f"{whole:,}.{part:0{decimals}d}" if decimals else f"{whole:,}"


def _headline(figures: Figures, moment: Moment) -> RenderableType:
    totals = figures.totals
    added = "..." if moment.added_ms is None else f"{moment.added_ms:.2f} ms"
    minutes, seconds = divmod(moment.elapsed_s, 60)
    shown = {
        "time": f"{minutes}:{seconds:02}",
        "calls": f"{totals.calls:,}",
        "refused": f"{totals.refused:,}",
        "spend": f"${usd(totals.spend_nanos, 4)}",
        "held now": f"${usd(totals.held_nanos, 4)}",
        "from cache": f"{figures.cached_percent} %",
        "added to first token" if moment.wide else "added": added,
    }
    made = Table.grid(padding=(0, 3))
    for _ in shown:
        made.add_column(min_width=7, no_wrap=True)
    made.add_row(*(Text(name, "dim") for name in shown))
    made.add_row(*(Text(value, "bold") for value in shown.values()))
    return made


def _budgets(figures: Figures, *, wide: bool) -> RenderableType:
    made = _table("Budgets", *([""] if wide else []), "", ">spent", ">of", ">", "")
    for standing in figures.budgets:
        used = standing.limit_nanos - standing.free_nanos
        percent = 100 * used // standing.limit_nanos if standing.limit_nanos else 100
        style = "red" if percent >= 90 else "yellow" if percent >= 70 else "green"
        made.add_row(
            standing.id,
            *([Text(standing.node.replace(":", " "), "dim")] if wide else []),
            _bar(standing, style, BAR_CELLS if wide else BAR_CELLS_NARROW),
            f"${usd(standing.posted_nanos, 4)}",
            Text(f"${usd(standing.limit_nanos, 2)}", "dim"),
            Text(f"{percent} %", style),
            Text("refuses" if standing.id in figures.refusing else "", "red"),
        )
    return made


def _bar(standing: Standing, style: str, cells: int) -> Text:
    """Return a bar of what is posted, then held, then free."""
    limit = max(1, standing.limit_nanos)
    eighths = min(8 * cells, 8 * cells * standing.posted_nanos // limit)
    full, part = divmod(eighths, 8)
    posted = "█" * full + ("▏▎▍▌▋▊▉"[part - 1] if part else "")
    both = min(limit, standing.posted_nanos + standing.held_nanos)
    held = "░" * max(0, cells * both // limit - len(posted))
    rest = "·" * (cells - len(posted) - len(held))
    return Text.assemble((posted, style), (held, "cyan"), (rest, "bright_black"))


def _sessions(sessions: tuple[Session, ...]) -> RenderableType:
    made = _table("Agents", "run", ">step", ">prompt", ">cached", "cost per token", ">per million")
    for session in sessions:
        last = session.steps[-1]
        prompt = prompt_tokens(last)
        cached = 100 * cached_tokens(last) // prompt if prompt else 0
        made.add_row(
            session.principal,
            session.run,
            str(len(session.steps)),
            f"{prompt:,}",
            Text(f"{cached} %", "green" if cached else ""),
            Text(_line([nanos_per_million(step) for step in session.steps]), "green"),
            f"${usd(nanos_per_million(last), 2)}",
        )
    if not sessions:
        made.add_row(Text("none yet", "dim"))
    return made


def _line(values: list[int]) -> str:
    """Return a line of little bars, as tall as the values compared with the largest."""
    largest = max(1, *values)
    return "".join(_STEPS[max(1, 8 * value // largest)] for value in values)


def _calls(rows: tuple[CallRow, ...], *, wide: bool) -> RenderableType:
    columns = dict(_CALL_COLUMNS)
    if not wide:
        del columns["asked"], columns[">cached"]
    made = _table(*columns)
    for column, width in zip(made.columns, columns.values(), strict=True):
        column.min_width = width
    for row in rows:
        cells = _call_cells(row)
        made.add_row(*(cells.get(name, "") for name in columns))
    return made


def _call_cells(row: CallRow) -> dict[str, RenderableType]:
    """Return what is known of a call, by its column."""
    at = Text(to_iso(row.at_ns)[11:19], "dim")
    cells: dict[str, RenderableType] = {"Latest": at, "who": row.principal, "asked": row.asked}
    if not isinstance(row, AttemptRow):
        return {**cells, "": Text(row.refused.code, "red")}
    running = row.state == "held"
    output = row.usage.get("output_text", 0) + row.usage.get("output_reasoning", 0)
    return {
        **cells,
        "served by": row.deployment,
        ">in": f"{prompt_tokens(row):,}" if row.usage else "",
        ">cached": f"{cached_tokens(row):,}" if cached_tokens(row) else "",
        ">out": f"{output:,}" if output else "",
        ">cost": "" if running else f"${usd(row.posted_nanos, 6)}",
        "": Text("running", "cyan") if running else Text(_outcome(row), "yellow"),
    }


def _outcome(row: AttemptRow) -> str:
    """Return what is to be said of an attempt that has ended; nothing when it went well."""
    state = "" if row.state == "measured" else row.state
    return ": ".join(part for part in (state, row.reason) if part)


def _footer(figures: Figures, moment: Moment) -> RenderableType:
    lines = []
    if figures.refused is not None:
        who, message = figures.refused.principal, figures.refused.refused.message
        lines.append(Text.assemble((f"{who} was told: ", "dim"), message))
    lines.append(Text(f"Ctrl-C ends it and checks the books.   {moment.addresses}", "dim"))
    for line in lines:
        line.no_wrap, line.overflow = True, "ellipsis"
    return Group(*lines)


def _table(*columns: str) -> Table:
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for number, column in enumerate(columns):
        made.add_column(
            Text(column.removeprefix(">"), "bold" if number == 0 else "dim"),
            justify="right" if column.startswith(">") else "left",
            no_wrap=True,
            min_width=10 if number == 0 else None,
        )
    return made
