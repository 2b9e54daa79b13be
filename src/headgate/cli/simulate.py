"""`headgate simulate`: run the simulated providers alone, to try things without spending money."""

import typer

from headgate.simulator.__main__ import main as run_simulator

app = typer.Typer()

# The simulator is a program of its own, with its own options and its own help.
_AS_THEY_ARE = {
    "ignore_unknown_options": True,
    "allow_extra_args": True,
    "help_option_names": [],
}


@app.command(context_settings=_AS_THEY_ARE)
def simulate(ctx: typer.Context) -> None:
    """Serve the simulated providers until Ctrl-C; `--help` lists ports, pace, TLS and more."""
    raise typer.Exit(run_simulator(ctx.args))
