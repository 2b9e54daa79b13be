"""`headgate mix`: choose for each user between plans, API, routing, commitments and machines."""

import hashlib
import time
from datetime import UTC
from pathlib import Path
from typing import Annotated

import typer

from headgate.cli.desk import AsJson, Html, InputsFile, Png, Seed, checked, document, hash_of, show
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, Config, DataDir
from headgate.cli.reading import configuration_of_books, read_configuration, reading
from headgate.economics.load import changes_of, load_inputs
from headgate.economics.mix.load_past import booked_team, imported_team
from headgate.economics.mix.load_team import load_offers, load_team
from headgate.economics.mix.offers import User
from headgate.economics.mix.report import mix_report, problem_of
from headgate.economics.prices.load_past import open_usage

app = typer.Typer()


@app.command()
def mix(  # noqa: PLR0913 - a command has as many parameters as it has options
    months: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Months: user, month, usd.")
    ] = None,
    offers: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Offers, else API and known plans.")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(metavar="OFFER", help="What users have whose own is not told.")
    ] = None,
    imported: Annotated[
        bool, typer.Option("--imported", help="Seats of imported logs; needs no configuration.")
    ] = False,
    inputs: InputsFile = None,
    seed: Seed = 1,
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    html: Html = None,
    png: Png = None,
    as_json: AsJson = False,
) -> None:
    """Find the cheapest mix of offers for a team from its own months, within limits.

    Without a FILE the months are those of the books, by principal, or of imported logs, by seat.
    Savings are against what users have now (the column `now`), or against a baseline.
    """
    with checked():
        used = load_inputs("mix").changed_by(changes_of(document(inputs)))
        users = (
            _past(config, data_dir, imported=imported) if months is None else load_team(months)[1]
        )
        problem = problem_of(used, users, load_offers(offers))
        content = _named(users) if months is None else hash_of(months)
        content += hash_of(offers)
        report = mix_report(used, problem, baseline, seed, content)
    show(report, html, png=png, as_json=as_json)


def _past(config: Path, data_dir: Path, *, imported: bool) -> tuple[User, ...]:
    """Return who used what in the months that have ended."""
    if imported:
        zone = read_configuration(config).zone if config.exists() else UTC
        with open_usage(data_dir) as store:
            return imported_team(store, zone, time.time_ns())
    zone = configuration_of_books(config).zone
    with reading(data_dir) as connection:
        return booked_team(connection, zone, time.time_ns())


def _named(users: tuple[User, ...]) -> str:
    return hashlib.sha256(repr([(one.id, one.demand_nanos) for one in users]).encode()).hexdigest()
