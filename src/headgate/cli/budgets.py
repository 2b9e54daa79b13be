"""`headgate budgets`: how every budget stands, and raises of their limits."""

import time
from typing import Annotated

import typer

from headgate.budgets.keeper import burns
from headgate.budgets.standing import standings
from headgate.cli.approvals import Url, gateway_at, own_key
from headgate.cli.budgets_text import show_budgets, tell_rest
from headgate.cli.completing import names_of
from headgate.cli.frozen import frozen_text
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import EXIT_NO, EXIT_UNREACHABLE, fail, print_json, say
from headgate.cli.raising import Wish, raise_now
from headgate.cli.reading import read_configuration, reading_if_any
from headgate.cli.report import instant
from headgate.identity.registry import frozen_nodes
from headgate.insights.deciding import UnansweredError, Wanted, ask_raise
from headgate.insights.views import NO_PACE, budget_view
from headgate.insights.windows import People, Picked, fullest, in_order, is_frozen
from headgate.units.instants import to_iso
from headgate.units.money import format_usd

app = typer.Typer(invoke_without_command=True, help="List how budgets stand, or ask for a raise.")

RUNS_SHOWN = 10

AllRuns = Annotated[
    bool, typer.Option("--runs", help="List all runs and delegations, not only the fullest.")
]


@app.callback()
def budgets(
    ctx: typer.Context,
    runs: AllRuns = False,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """List the windows that are open now: each budget's, and each run's own."""
    if ctx.invoked_subcommand is None:
        list_budgets(runs, config, data_dir, as_json)


@app.command("raise")
def ask_for_raise(
    budget: Annotated[str, typer.Argument(metavar="BUDGET", autocompletion=names_of("budgets"))],
    by: Annotated[str, typer.Option(help="Dollars.")],
    until: Annotated[
        str, typer.Option(help="A date, or a date-time; in the organisation's time zone.")
    ],
    reason: Annotated[str, typer.Option(help="Why; shown to who decides.")],
    url: Url = None,
    config: Config = CONFIG_DEFAULT,
) -> None:
    """Ask for a higher limit for a while, as the principal of HEADGATE_KEY."""
    snapshot = read_configuration(config)
    wanted = Wanted(budget, by, to_iso(instant(until, snapshot.zone)), reason)
    try:
        asked, why = ask_raise(gateway_at(url, config), own_key(), wanted)
    except UnansweredError as error:
        fail(f"{error}.", "Name the gateway with --url.", EXIT_UNREACHABLE)
    if asked is None:
        fail(why, "Rules for raises stand in [approvals.ID], with budget_raises = true.", EXIT_NO)
    say(f"Asked: {asked}. Until it is approved, nothing changes.")


@app.command("raise-now")
def raise_at_once(
    budget: Annotated[str, typer.Argument(metavar="BUDGET", autocompletion=names_of("budgets"))],
    by: Annotated[str, typer.Option(help="Dollars.")],
    until: Annotated[
        str, typer.Option(help="A date, or a date-time; in the organisation's time zone.")
    ],
    reason: Annotated[str, typer.Option(help="Why; kept in the audit chain.")],
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
) -> None:
    """Raise a limit for a while without asking: for whoever may write to the data directory."""
    snapshot = read_configuration(config)
    raise_now(snapshot, data_dir, Wish(budget, by, instant(until, snapshot.zone), reason))


@app.command("list")
def list_budgets(
    runs: AllRuns = False,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """List the windows that are open now: each budget's, and each run's own."""
    snapshot = read_configuration(config)
    with reading_if_any(data_dir) as connection:
        found = standings(connection, snapshot.budgets.values(), time.time_ns(), snapshot.zone)
        frozen = frozen_nodes(connection)
        paces = burns(connection, found)
    people = People(snapshot.principals, snapshot.teams)
    names = {node.node for node in frozen}
    if as_json:
        print_json(
            [
                budget_view(
                    window,
                    frozen=is_frozen(window, names, people),
                    burn=paces.get(window.id, NO_PACE),
                )
                for window in in_order(found)
            ]
        )
        return
    picked = Picked(in_order(found), {}) if runs else fullest(found, RUNS_SHOWN)
    show_budgets(picked, {each.id for each in found if is_frozen(each, names, people)})
    tell_rest(snapshot, picked, time.time_ns())
    for name, burn in paces.items():
        if burn.exhausted_ns is not None:
            spent, used_up = format_usd(burn.spent_last_hour_nanos), to_iso(burn.exhausted_ns)
            since = "in the last hour, or since it is watched"
            say(f"{name}: {spent} {since}; used up at {used_up} at this pace.")
    for node in frozen:
        say(f"Frozen: {frozen_text(node)}")
