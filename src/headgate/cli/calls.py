"""`headgate calls`: list attempts and refused calls, newest first."""

from pathlib import Path
from typing import Annotated

import typer

from headgate.cli.completing import names_of
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import fail, print_json, print_table, say, table
from headgate.cli.reading import read_configuration, reading
from headgate.cli.report import instant
from headgate.cli.states import state_text
from headgate.config.problems import near
from headgate.insights.calls import AttemptRow, CallRow, CallState
from headgate.insights.search import Wanted, list_calls
from headgate.insights.views import call_view
from headgate.units.instants import to_iso
from headgate.units.money import format_usd

app = typer.Typer()

LIMIT_MAX = 100_000

Team = Annotated[str | None, typer.Option(help="Of this team.", autocompletion=names_of("teams"))]
Key = Annotated[str | None, typer.Option(help="With this key.", autocompletion=names_of("keys"))]
Place = Annotated[
    str | None, typer.Option(help="That went there.", autocompletion=names_of("deployments"))
]
Since = Annotated[
    str | None, typer.Option(help="A date, or a date-time; in the organisation's time zone.")
]
Until = Annotated[str | None, typer.Option(help="Likewise; excluded.")]


@app.command()
def calls(  # noqa: PLR0913 - one for each option
    limit: Annotated[int, typer.Option(min=1, max=LIMIT_MAX, help="At most so many.")] = 50,
    run: Annotated[str | None, typer.Option(help="Of this run.")] = None,
    principal: Annotated[
        str | None,
        typer.Option(help="Of this principal.", autocompletion=names_of("principals")),
    ] = None,
    team: Team = None,
    key: Key = None,
    session: Annotated[str | None, typer.Option(help="Of this session.")] = None,
    state: Annotated[CallState | None, typer.Option(help="In this state.")] = None,
    code: Annotated[
        str | None, typer.Option(help="Refused, failed or not measured for this reason.")
    ] = None,
    deployment: Place = None,
    since: Since = None,
    until: Until = None,
    quarantined: Annotated[
        bool, typer.Option("--quarantined", help="Whose reply gave a usage that cannot be right.")
    ] = False,
    text: Annotated[
        str | None, typer.Option(help="With this in an id: of call, request, run, key or reply.")
    ] = None,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """List attempts and refused calls, newest first."""
    wanted = Wanted(
        run=run,
        principal=principal,
        team=team,
        key=key,
        deployment=deployment,
        state=state,
        code=code,
        from_ns=_at(since, config),
        until_ns=_at(until, config),
        quarantined=quarantined,
        text=text,
        session=session,
    )
    with reading(data_dir) as connection:
        # One more than asked for tells whether there are more.
        rows = list_calls(connection, wanted, limit + 1)
    if principal is not None and not rows:
        _require_principal(principal, config)
    if as_json:
        print_json([call_view(row) for row in rows[:limit]])
        return
    _show(rows[:limit])
    if len(rows) > limit:
        say(f"These are the newest {limit}; there are more: --limit {2 * limit}")


def _at(text: str | None, config: Path) -> int | None:
    return None if text is None else instant(text, read_configuration(config).zone)


def _require_principal(principal: str, config: Path) -> None:
    known = read_configuration(config).principals
    if principal not in known:
        fail(f"There is no principal {principal!r}.", near(principal, known, "principal"))


def _show(rows: list[CallRow]) -> None:
    adjusted = any(isinstance(row, AttemptRow) and row.adjusted_nanos for row in rows)
    money = (">posted", *((">adjusted",) if adjusted else ()), ">held")
    shown = table("at", "call", "principal", "asked", "served by", "state", *money)
    for row in rows:
        agents = (link.partition("~")[0] for link in row.chain)
        who = " > ".join((row.principal, *agents))
        shown.add_row(to_iso(row.at_ns), row.call, who, row.asked, *_cells(row, adjusted=adjusted))
    print_table(shown)


def _cells(row: CallRow, *, adjusted: bool) -> tuple[str, ...]:
    """Return where a call went, how it ended, and its money."""
    if not isinstance(row, AttemptRow):
        return ("", f"refused: {row.refused.code}", *("",) * (3 if adjusted else 2))
    told = state_text(row.state, row.reason, posted=row.posted_nanos != 0)
    corrected = (format_usd(row.adjusted_nanos) if row.adjusted_nanos else "",)
    held = format_usd(row.hold_nanos) if row.state == "held" else ""
    posted = format_usd(row.posted_nanos)
    return (row.deployment, told, posted, *(corrected if adjusted else ()), held)
