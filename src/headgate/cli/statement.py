"""`headgate statement`: what a team was charged in a month, as a page, CSV or JSON."""

from pathlib import Path
from typing import Annotated

import typer

from headgate.cli.completing import names_of
from headgate.cli.export import write
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import fail, print_json, print_table, say, table
from headgate.cli.reading import read_configuration, reading
from headgate.config.snapshot import Snapshot
from headgate.exports.statement import Of
from headgate.exports.statement import statement as make
from headgate.exports.statement_page import as_csv, as_page, view
from headgate.insights.contract_statement import StatementView

app = typer.Typer()


EVERY_TEAM = "*"
TEAM_MARK = "{team}"


@app.command()
def statement(
    team: Annotated[
        str, typer.Option(help="Whose; '*' for every team.", autocompletion=names_of("teams"))
    ],
    month: Annotated[str, typer.Option(help="Such as 2026-10, in the organisation's time zone.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="A file that ends in .html or .csv; {team} stands for the team."
        ),
    ] = None,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Make a team's statement of a month: exact, and equal to the books."""
    snapshot = read_configuration(config)
    if output is not None and output.suffix not in (".html", ".csv"):
        fail(f"{output} is neither a page nor CSV.", "End it in .html or .csv, or use --json.")
    if team == EVERY_TEAM and (as_json or output is None or TEAM_MARK not in str(output)):
        fail("Each team has a statement of its own.", f"Name files: -o '{month}-{TEAM_MARK}.csv'.")
    if team != EVERY_TEAM and team not in snapshot.teams:
        fail(f"There is no team {team!r}.", f"Use one of {', '.join(snapshot.teams)}.")
    for name in snapshot.teams if team == EVERY_TEAM else (team,):
        made = _made(snapshot, name, month, data_dir)
        if output is not None:
            _write(made, Path(str(output).replace(TEAM_MARK, name)), quiet=as_json)
        if as_json:
            print_json(made)
        elif output is None:
            _show(made)


def _made(snapshot: Snapshot, team: str, month: str, data_dir: Path) -> StatementView:
    of = Of(snapshot.organisation, team, month, snapshot.zone, snapshot.budgets.values())
    with reading(data_dir) as connection:
        try:
            return view(make(connection, of))
        except ValueError:
            fail(f"{month!r} is not a month.", "Write --month 2026-10.")


def _write(made: StatementView, output: Path, *, quiet: bool) -> None:
    write(output, [as_csv(made) if output.suffix == ".csv" else as_page(made).encode()])
    if not quiet:
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
