"""`headgate vendor`: follow a vendor's revenue, compute and cash over the coming quarters."""

import typer

from headgate.cli.desk import AsJson, Html, InputsFile, checked, document, show
from headgate.economics.load import changes_of, load_data, load_inputs
from headgate.economics.vendor.report import vendor_report

app = typer.Typer()


@app.command()
def vendor(inputs: InputsFile = None, html: Html = None, as_json: AsJson = False) -> None:
    """Show when the vendor earns, how long its cash lasts, and at which price it earns nothing.

    As given by the inputs, and under three scenarios: the premium holds, the valuation corrects,
    the vendor becomes a platform.
    """
    with checked():
        used = load_inputs("vendor").changed_by(changes_of(document(inputs)))
        report = vendor_report(used, load_data("vendor")["scenarios"])
    show(report, html, as_json=as_json)
