"""`headgate serve`: run the gateway and its console until it is told to stop."""

import typer

from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, Config, DataDir
from headgate.node.supervisor import Node
from headgate.node.supervisor import serve as run_node

app = typer.Typer()


@app.command()
def serve(config: Config = CONFIG_DEFAULT, data_dir: DataDir = DATA_DIR_DEFAULT) -> None:
    """Run the gateway and its console; SIGTERM or Ctrl-C lets running calls end, then stops."""
    raise typer.Exit(run_node(config, data_dir, on_ready=_tell))


def _tell(node: Node) -> None:
    typer.echo(f"Gateway ready on {node.gateway_url}")
    typer.echo(f"Console on {node.console_url}")
