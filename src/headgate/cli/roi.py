"""`headgate roi`: compute what a finished task costs, beside a person, and what a long one does."""

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from headgate.cli.desk import AsJson, Html, InputsFile, checked, document, show
from headgate.economics.load import changes_of, load_inputs
from headgate.economics.roi.load_rows import load_outcomes, load_runs
from headgate.economics.roi.report import roi_report

app = typer.Typer()


@app.command()
def roi(
    outcomes: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="Attempts: workflow, model, cost_usd, resolved."),
    ] = None,
    runs: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Runs: model, task, human_minutes, success."),
    ] = None,
    inputs: InputsFile = None,
    html: Html = None,
    as_json: AsJson = False,
) -> None:
    """Compute cost per resolved task with its interval, from a file of attempts or an assumption.

    With --runs also how long each model stays right, and what a long task costs with it.
    """
    with checked():
        used = load_inputs("roi").changed_by(changes_of(document(inputs)))
        read = None if outcomes is None else load_outcomes(outcomes)
        ran = None if runs is None else load_runs(runs)
        content = "".join(_hash(path) for path in (outcomes, runs))
        report = roi_report(used, read, ran, content)
    show(report, html, as_json=as_json)


def _hash(path: Path | None) -> str:
    return "-" if path is None else hashlib.sha256(path.read_bytes()).hexdigest()
