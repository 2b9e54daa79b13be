"""`headgate roi`: compute what a finished task costs, beside a person, and what a long one does."""

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from headgate.cli.desk import AsJson, Html, InputsFile, Png, checked, document, hash_of, show
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, Config, DataDir
from headgate.cli.output import fail
from headgate.cli.reading import reading
from headgate.economics.load import changes_of, load_inputs
from headgate.economics.roi.load_books import booked_outcomes
from headgate.economics.roi.load_rows import load_outcomes, load_runs
from headgate.economics.roi.report import roi_report

app = typer.Typer()


@app.command()
def roi(  # noqa: PLR0913 - a command has as many parameters as it has options
    outcomes: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="Attempts: workflow, model, cost_usd, resolved."),
    ] = None,
    runs: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Runs: model, task, human_minutes, success."),
    ] = None,
    books: Annotated[
        bool, typer.Option("--books", help="Attempts are the outcomes that were told to the node.")
    ] = False,
    inputs: InputsFile = None,
    _config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    html: Html = None,
    png: Png = None,
    as_json: AsJson = False,
) -> None:
    """Compute cost per resolved task with its interval: of a file, the books, or an assumption.

    With --runs also how long each model stays right, and what a long task costs with it.
    """
    with checked():
        used = load_inputs("roi").changed_by(changes_of(document(inputs)))
        read = None if outcomes is None else load_outcomes(outcomes)
        if books:
            if outcomes is not None:
                fail("Attempts come from a FILE or the books, not both.", "Leave one out.")
            with reading(data_dir) as connection:
                read = booked_outcomes(connection)
        ran = None if runs is None else load_runs(runs)
        content = "".join(hash_of(path) for path in (outcomes, runs))
        if books:
            content += hashlib.sha256(repr(read).encode()).hexdigest()
        report = roi_report(used, read, ran, content)
    show(report, html, png=png, as_json=as_json)
