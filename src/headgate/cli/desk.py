"""What the commands of the economics desk share: their options, and how a report is shown."""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from headgate import __version__
from headgate.cli.options import AsJson
from headgate.cli.output import fail, print_json, print_table, table
from headgate.economics.exact import DomainError
from headgate.economics.inputs import InputError
from headgate.economics.load import load_document
from headgate.economics.page import ASSUMPTION_COLUMNS, page
from headgate.economics.report import Report, TableView

__all__ = ["AsJson", "Html", "InputsFile", "Seed", "checked", "document", "hash_of", "show"]

InputsFile = Annotated[
    Path | None,
    typer.Option("--inputs", metavar="FILE", help="Inputs that differ: TOML, or JSON by ending."),
]
Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write the report as one HTML page.")
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


def show(report: Report, html: Path | None, *, as_json: bool) -> None:
    """Print a report: the answer, the tables, the limits, the assumptions; or as JSON."""
    write_page(report, html)
    if as_json:
        print_json(report)
        return
    for line in report.answer:
        typer.echo(line)
    for one in report.tables:
        typer.echo()
        _print(one)
    typer.echo("\nLimits")
    for line in report.limits:
        typer.echo(f"  {line}")
    typer.echo()
    rows = [[one.name, one.value, one.unit, one.meaning, one.source] for one in report.assumptions]
    _print(TableView(title="Assumptions", columns=ASSUMPTION_COLUMNS, rows=rows))
    seed = "" if report.seed is None else f", seed {report.seed}"
    typer.echo(f"\nheadgate {__version__}, inputs {report.inputs_sha256}{seed}")


def write_page(report: Report, html: Path | None) -> None:
    """Write a report as a page, where one is wanted."""
    if html is None:
        return
    try:
        html.write_text(page(report, __version__), "utf-8")
    except OSError as error:
        fail(f"{html} cannot be written: {error.strerror}.", "Choose a folder of yours.")
    typer.echo(f"Wrote {html}.", err=True)


def _print(one: TableView) -> None:
    typer.echo(one.title)
    shown = table(*one.columns)
    for row in one.rows[:ROWS_SHOWN]:
        shown.add_row(*(_cut(cell) for cell in row))
    print_table(shown)
    if (more := len(one.rows) - ROWS_SHOWN) > 0:
        typer.echo(f"... and {more} more: --json and --html have all.")


def _cut(cell: str) -> str:
    cut = cell if len(cell) <= CELL_CHARACTERS_MAX else f"{cell[: CELL_CHARACTERS_MAX - 1]}…"
    return cut.replace("[", r"\[")
