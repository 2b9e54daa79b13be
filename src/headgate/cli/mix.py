"""`headgate mix`: choose for each user between plans, API, routing, commitments and machines."""

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from headgate.cli.desk import AsJson, Html, InputsFile, Seed, checked, document, show
from headgate.economics.load import changes_of, load_inputs
from headgate.economics.mix.load_team import load_offers, load_team
from headgate.economics.mix.report import mix_report, problem_of

app = typer.Typer()


@app.command()
def mix(  # noqa: PLR0913 - a command has as many parameters as it has options
    months: Annotated[Path, typer.Argument(metavar="FILE", help="Months: user, month, usd.")],
    offers: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Offers, else API and known plans.")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(metavar="OFFER", help="What users have whose own is not told.")
    ] = None,
    inputs: InputsFile = None,
    seed: Seed = 1,
    html: Html = None,
    as_json: AsJson = False,
) -> None:
    """Find the cheapest mix of offers for a team from its own months, within limits.

    Savings are against what users have now (the column `now`), or against a baseline.
    """
    with checked():
        used = load_inputs("mix").changed_by(changes_of(document(inputs)))
        _, users = load_team(months)
        problem = problem_of(used, users, load_offers(offers))
        content = "".join(_hash(path) for path in (months, offers))
        report = mix_report(used, problem, baseline, seed, content)
    show(report, html, as_json=as_json)


def _hash(path: Path | None) -> str:
    return "-" if path is None else hashlib.sha256(path.read_bytes()).hexdigest()
