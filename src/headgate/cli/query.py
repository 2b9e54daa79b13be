"""`headgate query`: SQL over all calls, with bounds, reading only."""

import atexit
import gc
import time
from datetime import datetime
from decimal import Decimal
from typing import Annotated

import typer

from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import EXIT_NO, fail, hand_on, print_json, print_table, say, table
from headgate.cli.reading import read_configuration, reading
from headgate.exports.files import cell, csv_bytes, plain
from headgate.exports.history import day_of
from headgate.exports.query import Answer, Query, QueryError
from headgate.exports.query import answer as ask

app = typer.Typer()
# What the command line has kept from being looked through is collected after all: DuckDB's binding
# would name each of its functions at the end, as leaked.
atexit.register(gc.unfreeze)

ROWS_MAX, SECONDS_MAX = 1_000, 60


@app.command()
def query(  # noqa: PLR0913 - one for each option
    sql: Annotated[str, typer.Argument(metavar="SQL", help="Over the view `calls`.")],
    rows: Annotated[int, typer.Option(min=1, max=1_000_000, help="At most so many.")] = ROWS_MAX,
    seconds: Annotated[
        int, typer.Option(min=1, max=3_600, help="It may take so long.")
    ] = SECONDS_MAX,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, for sheets.")] = False,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Ask the books in SQL: the history's files, and what the store has beside them."""
    directory = read_configuration(config).exports.history
    today = day_of(time.time_ns())
    with reading(data_dir) as connection:
        try:
            found = ask(connection, directory, today, Query(sql, rows, seconds))
        except QueryError as error:
            columns = "headgate query 'DESCRIBE calls' names the columns; \"at\" stands in quotes."
            fail(str(error), error.fix or columns, EXIT_NO)
    _print(found, as_csv=as_csv, as_json=as_json)
    if found.cut:
        say(f"There are more than {rows} rows: raise --rows.", err=True)


def _print(found: Answer, *, as_csv: bool, as_json: bool) -> None:
    if as_json:
        rows = [dict(zip(found.columns, map(_exact, row), strict=True)) for row in found.rows]
        print_json(rows)
    elif as_csv:
        cells = [[cell(_text(value)) for value in row] for row in found.rows]
        hand_on(csv_bytes(found.columns, cells).decode())
    else:
        shown = table(*found.columns)
        for row in found.rows:
            shown.add_row(*map(_text, row))
        print_table(shown)


def _exact(value: object) -> object:
    """Return a value as JSON has it: decimals and instants as text, as everywhere in ours."""
    if isinstance(value, Decimal | datetime):
        return _text(value)
    return value


def _text(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if value is None or (isinstance(value, str | Decimal | int) and not isinstance(value, bool)):
        return plain(value)
    return str(value)
