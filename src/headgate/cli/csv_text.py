"""Tables for sheets and scripts: CSV with the exact figures of `--json`, and no formula in it."""

from collections.abc import Iterable, Sequence
from typing import Annotated

import typer

from headgate.cli.output import hand_on
from headgate.exports.files import cell, csv_bytes
from headgate.units.plain import plain

AsJsonOrCsv = Annotated[
    bool | None,
    typer.Option("--json/--csv", help="Print JSON, or CSV, for machines.", show_default=False),
]
"""True: JSON is wanted; False: CSV; None: a table for people. Of both the last one counts."""


def print_csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows as CSV with a header; a null is an empty cell, a list has blanks between.

    Others have named what is in it. So a cell that a sheet would take for a formula has an
    apostrophe before it, and what steers a terminal or breaks a line is `?`: in `--json` such names
    are exact.
    """
    cells = ([plain(cell(value)) for value in row] for row in rows)
    hand_on(csv_bytes(columns, cells).decode())
