"""What the commands of the economics desk share: their options, and how a report is shown."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from headgate import __version__
from headgate.cli.options import AsJson
from headgate.cli.output import fail, print_json, print_table, say, table
from headgate.economics.charts import chart_svg
from headgate.economics.exact import DomainError
from headgate.economics.inputs import InputError
from headgate.economics.load import load_document
from headgate.economics.page import ASSUMPTION_COLUMNS, page
from headgate.economics.pictures import Drawn, picture
from headgate.economics.png import missing_for_png, png_of
from headgate.economics.report import Report, TableView

__all__ = ["AsJson", "Html", "InputsFile", "Png", "Seed", "checked", "document", "hash_of", "show"]

InputsFile = Annotated[
    Path | None,
    typer.Option("--inputs", metavar="FILE", help="Inputs that differ: TOML, or JSON by ending."),
]
Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write the report as one HTML page.")
]


def _drawable(png: Path | None) -> Path | None:
    """Say before anything is computed that no picture can be drawn."""
    if png is not None and (missing := missing_for_png()) is not None:
        fail(f"Pictures need {missing}, which is missing.", "pip install 'headgate[png]'")
    return png


Png = Annotated[
    Path | None,
    typer.Option(
        "--png", metavar="FILE", help="Write the charts as one picture.", callback=_drawable
    ),
]
Seed = Annotated[int, typer.Option(min=0, max=2**63 - 1, help="What chance follows from.")]

ROWS_SHOWN = 100
"""So many rows of a table are shown on the screen."""
CELL_CHARACTERS_MAX = 90
"""A longer cell is cut on the screen; --json and --html have it whole."""


@contextmanager
def checked() -> Iterator[None]:
    """Turn an input that cannot be used into a message with its fix, and exit code 2."""
    try:
        yield
    except InputError as error:
        fail(str(error), error.fix)
    except DomainError as error:
        fail(f"These inputs have no answer: {error}.", "Change the inputs that this names.")


def document(path: Path | None) -> Mapping[str, Any]:
    """Return a file of inputs, empty when none is given.

    Raises:
        InputError: It cannot be used.
    """
    return {} if path is None else load_document(path)


def hash_of(path: Path | None) -> str:
    """Return the hash of a file's content, `-` where none is given."""
    return "-" if path is None else hashlib.sha256(path.read_bytes()).hexdigest()


def show(report: Report, html: Path | None, *, png: Path | None = None, as_json: bool) -> None:
    """Print a report: the answer, the tables, the limits, the assumptions; or as JSON."""
    write_page(report, html)
    write_picture(report, png)
    if as_json:
        print_json(report)
        return
    say(*report.answer)
    for one in report.tables:
        say("")
        _print(one)
    say("", "Limits")
    say(*(f"  {line}" for line in report.limits))
    say("")
    rows = [[one.name, one.value, one.unit, one.meaning, one.source] for one in report.assumptions]
    _print(TableView(title="Assumptions", columns=ASSUMPTION_COLUMNS, rows=rows))
    say("", f"{_signed(report)}")


def write_page(report: Report, html: Path | None) -> None:
    """Write a report as a page, where one is wanted."""
    if html is not None:
        write_file(html, page(report, __version__).encode())


def write_picture(report: Report, png: Path | None) -> None:
    """Write the charts of a report as a picture, where one is wanted."""
    if png is None:
        return
    drawn = [Drawn(chart.title, chart_svg(chart)) for chart in report.charts]
    draw(png, f"Headgate {report.command}", drawn, _signed(report))


def draw(png: Path, title: str, charts: Sequence[Drawn], signed: str) -> None:
    """Write charts as a picture; `signed` says below them what they were made from."""
    found = [chart for chart in charts if chart.svg]
    if not found:
        fail("This report has no chart to draw.", "Leave --png out; --html has the tables.")
    write_file(png, png_of(picture(title, found, signed)))


def _signed(report: Report) -> str:
    seed = "" if report.seed is None else f", seed {report.seed}"
    return f"headgate {__version__}, inputs {report.inputs_sha256}{seed}"


def write_file(path: Path, content: bytes) -> None:
    """Write a file that somebody asked for, and say so where it is in nobody's way."""
    try:
        path.write_bytes(content)
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror}.", "Choose a folder of yours.")
    say(f"Wrote {path}.", err=True)


def _print(one: TableView) -> None:
    say(one.title)
    shown = table(*one.columns)
    for row in one.rows[:ROWS_SHOWN]:
        shown.add_row(*(_cut(cell) for cell in row))
    print_table(shown)
    if (more := len(one.rows) - ROWS_SHOWN) > 0:
        say(f"... and {more} more: --json and --html have all.")


def _cut(cell: str) -> str:
    return cell if len(cell) <= CELL_CHARACTERS_MAX else f"{cell[: CELL_CHARACTERS_MAX - 1]}…"
