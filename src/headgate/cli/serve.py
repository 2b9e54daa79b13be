"""`headgate serve`: run the gateway and its console until it is told to stop."""

import os
import time
from typing import Annotated

import typer

from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, Config, DataDir
from headgate.cli.output import say
from headgate.config.load import load
from headgate.config.shapes_edge import WORKERS_MAX
from headgate.config.unpriced import unpriced
from headgate.node.supervisor import Node
from headgate.node.supervisor import serve as run_node

app = typer.Typer()

Workers = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=WORKERS_MAX,
        help="How many processes serve calls; `limits.workers` when it is not given.",
        show_default=False,
    ),
]


@app.command()
def serve(
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    workers: Workers = None,
) -> None:
    """Run the gateway and its console; SIGTERM or Ctrl-C lets running calls end, then stops.

    Told so a second time it ends running calls at once.
    """
    for problem in unpriced(load(config, os.environ), time.time_ns()):
        say(f"Warning: {problem.key}: {problem.problem} {problem.fix}", err=True)
    raise typer.Exit(run_node(config, data_dir, on_ready=_tell, workers=workers))


def _tell(node: Node) -> None:
    say(f"Gateway ready on {node.gateway_url}")
    say(f"Console on {node.console_url}")
