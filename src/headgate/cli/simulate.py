"""`headgate simulate`: run the simulated providers, to try things without spending money."""

import typer

from headgate.simulator.__main__ import main as run_simulator

app = typer.Typer(context_settings={"help_option_names": []})
