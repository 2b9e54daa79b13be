"""How commands speak: JSON for machines, tables for people, complaints with a fix."""

import json
from typing import Any, NoReturn

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from headgate.units.plain import plain

EXIT_NO = 1
"""The answer is no: books differ, a check failed, there is no such call or key."""
EXIT_CONFIGURATION = 2
"""The command line or the configuration cannot be used."""
EXIT_UNREACHABLE = 3
"""The store or the steward cannot be used."""

TABLE_COLUMNS_MAX = 10_000
"""Wider than any table's content, so that none is cut or broken within a cell."""


class PlainTable(Table):
    """A table whose cells are text, never markup, and steer no terminal."""

    def add_row(self, *cells: Any, **settings: Any) -> None:
        """Add a row, each cell as it can be shown."""
        shown = [plain(cell) if isinstance(cell, str) else cell for cell in cells]
        super().add_row(*shown, **settings)


def say(*lines: str, err: bool = False) -> None:
    """Print lines for a reader, where errors go with `err`; what others have named is in many."""
    for line in lines:
        typer.echo(plain(line), err=err)


def hand_on(text: str) -> None:
    """Print what is for a program, or to be kept, exactly as it is, and end its line."""
    typer.echo(text.removesuffix("\n"))


def print_json(value: object) -> None:
    """Print a value of `cli.contract` as JSON; what steers terminals stands in it as escapes."""
    lines = msgspec.json.format(msgspec.json.encode(value), indent=2).decode().split("\n")
    hand_on("\n".join(line if line.isprintable() else _escaped(line) for line in lines))


def _escaped(line: str) -> str:
    return "".join(one if one.isprintable() else json.dumps(one)[1:-1] for one in line)


def print_table(table: Table) -> None:
    """Print a table as wide as its content; a narrower terminal wraps whole lines.

    Cells are text, never markup: many come from logs and stores.
    """
    console = Console(width=TABLE_COLUMNS_MAX, emoji=False, markup=False)
    with console.capture() as shown:
        console.print(table)
    for line in shown.get().splitlines():
        typer.echo(line.rstrip())


def table(*columns: str, title: str | None = None) -> Table:
    """Return an empty table; a column that begins with `>` is for numbers."""
    made = PlainTable(
        title=title and plain(title),
        title_justify="left",
        box=None,
        pad_edge=False,
        header_style="bold",
    )
    for column in columns:
        made.add_column(
            plain(column.removeprefix(">")),
            justify="right" if column.startswith(">") else "left",
            no_wrap=column.startswith(">"),
            overflow="fold",
        )
    return made


def complain(problem: str, fix: str) -> None:
    """Print a problem and its fix where errors go."""
    say(*problem.splitlines(), f"  Fix: {fix}", err=True)


def fail(problem: str, fix: str, code: int = EXIT_CONFIGURATION) -> NoReturn:
    """Print a problem and its fix, and end with an exit code."""
    complain(problem, fix)
    raise typer.Exit(code)
