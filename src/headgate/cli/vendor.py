"""`headgate vendor`: follow a vendor's revenue, compute and cash over the coming quarters."""

from typing import Annotated

import typer

from headgate.cli.desk import AsJson, Html, InputsFile, Png, Seed, checked, document, show
from headgate.economics.load import changes_of, load_data, load_inputs
from headgate.economics.vendor.report import vendor_report

app = typer.Typer()

PATHS_MAX = 50_000


@app.command()
def vendor(
    inputs: InputsFile = None,
    paths: Annotated[int, typer.Option(min=100, max=PATHS_MAX, help="How many futures.")] = 2_000,
    seed: Seed = 1,
    html: Html = None,
    png: Png = None,
    as_json: AsJson = False,
) -> None:
    """Show when the vendor earns, how long its cash lasts, and at which price it earns nothing.

    As given by the inputs, and under three scenarios: the premium holds, the valuation corrects,
    the vendor becomes a platform; each with the interval of nine of ten simulated futures.
    """
    with checked():
        used = load_inputs("vendor").changed_by(changes_of(document(inputs)))
        report = vendor_report(used, load_data("vendor")["scenarios"], seed, paths)
    show(report, html, png=png, as_json=as_json)
