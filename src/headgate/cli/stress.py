"""`headgate stress`: put a contract under falling and rising prices, rationing and worse."""

from typing import Annotated, Literal

import typer

from headgate.catalog.load import load_price_book
from headgate.cli.desk import AsJson, Html, InputsFile, Png, Seed, checked, document, show
from headgate.cli.output import fail
from headgate.cli.shaking.command import replay
from headgate.economics.load import changes_of, load_data, load_inputs
from headgate.economics.stress.backtest import backtest_report
from headgate.economics.stress.report import stress_report
from headgate.economics.stress.simulate import simulate

app = typer.Typer()
app.command("replay")(replay)

PATHS_MAX = 50_000
MONTHS_MAX = 120
CELLS_MAX = 2_000_000
"""About three quarters of a gigabyte."""


@app.callback(invoke_without_command=True)
def stress(  # noqa: PLR0913 - a command has as many parameters as it has options
    ctx: typer.Context,
    inputs: InputsFile = None,
    months: Annotated[int, typer.Option(min=2, max=MONTHS_MAX, help="How many months.")] = 36,
    paths: Annotated[int, typer.Option(min=100, max=PATHS_MAX, help="How many futures.")] = 10_000,
    mine: Annotated[
        Literal["locked", "price-protected", "routable", "hybrid"],
        typer.Option(help="Which one to ask what hurts it."),
    ] = "price-protected",
    seed: Seed = 1,
    backtest: Annotated[
        bool, typer.Option("--backtest", help="Score a forecast of 2026-05-31 instead.")
    ] = False,
    html: Html = None,
    png: Png = None,
    as_json: AsJson = False,
) -> None:
    """Simulate what four ways to buy cost: locked, price-protected, routable, hybrid."""
    if ctx.invoked_subcommand is not None:
        return
    if paths * months > CELLS_MAX:
        fail(
            f"{paths} paths of {months} months are more than memory is taken for.",
            f"Keep paths x months within {CELLS_MAX}.",
        )
    with checked():
        used = load_inputs("stress").changed_by(changes_of(document(inputs)))
        if backtest:
            report = backtest_report(load_price_book(), used, load_data("backtest"), seed)
        else:
            run = simulate(used, seed, paths, months)
            report = stress_report(run, load_data("stress")["questions"], mine)
    show(report, html, png=png, as_json=as_json)
