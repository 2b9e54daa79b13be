"""`headgate statement`: what a team was charged in a month, as a page, CSV or JSON."""

from pathlib import Path
from typing import Annotated

import typer

from headgate.cli.completing import names_of
from headgate.cli.export import write
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import fail, print_json, print_table, say, table
from headgate.cli.reading import read_configuration, reading
from headgate.exports.statement import Of
from headgate.exports.statement import statement as make
from headgate.exports.statement_page import as_csv, as_page, view
from headgate.insights.contract_statement import StatementView

app = typer.Typer()


@app.command()
def statement(
    team: Annotated[str, typer.Option(help="Whose.", autocompletion=names_of("teams"))],
    month: Annotated[str, typer.Option(help="Such as 2026-10, in the organisation's time zone.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A file that ends in .html or .csv.")
    ] = None,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Make a team's statement of a month: exact, and equal to the books."""
    snapshot = read_configuration(config)
    if team not in snapshot.teams:
        fail(f"There is no team {team!r}.", f"Use one of {', '.join(snapshot.teams)}.")
    if output is not None and output.suffix not in (".html", ".csv"):
        fail(f"{output} is neither a page nor CSV.", "End it in .html or .csv, or use --json.")
    of = Of(snapshot.organisation, team, month, snapshot.zone, snapshot.budgets.values())
    with reading(data_dir) as connection:
        try:
            made = view(make(connection, of))
        except ValueError:
            fail(f"{month!r} is not a month.", "Write --month 2026-10.")
    if output is not None:
        write(output, [as_csv(made) if output.suffix == ".csv" else as_page(made).encode()])
    if as_json:
        print_json(made)
    elif output is None:
        _show(made)
    else:
        say(f"{output}: {made.total} dollars")


def _show(made: StatementView) -> None:
    shown = table("what", "meter", ">quantity", ">dollars")
    shown.add_row("opening", "", "", made.opening)
    for each in made.charges:
        shown.add_row(each.model, each.meter, str(each.quantity), each.amount)
    for correction in made.corrections:
        shown.add_row(f"corrected: {correction.reason}", "", "", correction.amount)
    shown.add_section()
    shown.add_row("closing", "", "", made.closing)
    print_table(shown)
