"""`headgate trials`: what experiments (`ab`) and shadows came to, from the books."""

from typing import Annotated

import typer

from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import print_json, print_table, say, table
from headgate.cli.reading import read_configuration, reading
from headgate.cli.report import instant
from headgate.insights.contract_trials import TrialView
from headgate.insights.trials import Trial
from headgate.insights.trials import trials as read_trials
from headgate.units.money import format_usd

app = typer.Typer()

US_PER_MS = 1_000


@app.command()
def trials(
    since: Annotated[
        str | None, typer.Option(help="A date, or a date-time; in the organisation's time zone.")
    ] = None,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Compare the arms of experiments, and shadows with what served."""
    since_ns = None if since is None else instant(since, read_configuration(config).zone)
    with reading(data_dir) as connection:
        found = [_view(trial) for trial in read_trials(connection, since_ns)]
    if as_json:
        print_json(found)
    else:
        _show(found)


def _view(trial: Trial) -> TrialView:
    mean_ms = trial.duration_us / trial.served / US_PER_MS if trial.served else None
    return TrialView(
        policy=trial.policy,
        noted=trial.noted,
        attempts=trial.attempts,
        served=trial.served,
        same=trial.same,
        spend=format_usd(trial.posted_nanos),
        mean_ms=mean_ms,
        deployments=trial.deployments,
    )


def _show(found: list[TrialView]) -> None:
    if not found:
        say("No policy has noted anything: only `ab` and `shadow` do.")
        return
    columns = (">attempts", ">served", ">went there", ">spend", ">mean time", "by deployment")
    shown = table("policy", "noted", *columns)
    for each in found:
        where = ", ".join(f"{name} {count}" for name, count in sorted(each.deployments.items()))
        time = "-" if each.mean_ms is None else f"{each.mean_ms:.1f} ms"
        counts = (str(each.attempts), str(each.served), str(each.same))
        shown.add_row(each.policy, each.noted, *counts, each.spend, time, where)
    print_table(shown)
