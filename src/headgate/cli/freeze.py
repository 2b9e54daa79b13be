"""`headgate freeze`: stop new calls of a node of the budget tree, at once."""

from typing import Annotated

import typer

from headgate.cli.changing import change
from headgate.cli.nodes import Node, require_node
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, Config, DataDir
from headgate.cli.reading import read_configuration
from headgate.node.messages import Freeze

app = typer.Typer()


@app.command()
def freeze(
    node: Node,
    reason: Annotated[str, typer.Option(help="Why; kept with the freeze.")] = "",
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
) -> None:
    """Stop new calls below a node; running ones end as they would."""
    require_node(node, read_configuration(config))
    change(data_dir, Freeze(node=node, frozen=True, reason=reason))
    typer.echo(f"Frozen: {node}. Undo with: headgate thaw {node}")
