"""`headgate thaw`: let a frozen node spend again."""

import typer

from headgate.cli.changing import change
from headgate.cli.frozen import read_frozen
from headgate.cli.nodes import Node
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, Config, DataDir
from headgate.cli.output import say
from headgate.config.problems import near
from headgate.node.messages import Freeze

app = typer.Typer()


@app.command()
def thaw(
    node: Node, _config: Config = CONFIG_DEFAULT, data_dir: DataDir = DATA_DIR_DEFAULT
) -> None:
    """Let a frozen node spend again."""
    frozen = [one.node for one in read_frozen(data_dir)]
    fix = near(node, frozen, "node") if frozen else "Nothing is frozen; there is nothing to thaw."
    change(data_dir, Freeze(node=node, frozen=False), fix)
    say(f"Thawed: {node}.")
