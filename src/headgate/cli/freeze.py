"""`headgate freeze`: stop what a node spends, at once, or list what is frozen."""

from pathlib import Path
from typing import Annotated

import typer

from headgate.cli.changing import change
from headgate.cli.completing import NODES
from headgate.cli.frozen import frozen_view, read_frozen
from headgate.cli.nodes import NODE_HELP, require_node
from headgate.cli.options import CONFIG_DEFAULT, DATA_DIR_DEFAULT, AsJson, Config, DataDir
from headgate.cli.output import print_json, print_table, say, table
from headgate.cli.reading import read_configuration
from headgate.node.messages import Freeze
from headgate.units.instants import to_iso

app = typer.Typer()


@app.command()
def freeze(
    node: Annotated[
        str | None, typer.Argument(metavar="NODE", help=NODE_HELP, autocompletion=NODES)
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; kept with the freeze.")] = "",
    config: Config = CONFIG_DEFAULT,
    data_dir: DataDir = DATA_DIR_DEFAULT,
    as_json: AsJson = False,
) -> None:
    """Stop a node: new calls are refused, streams that run are cut within a second.

    Without NODE: list what is frozen, since when and why.
    """
    if node is not None:
        require_node(node, read_configuration(config))
        fix = f"To give another reason: headgate thaw {node}, then freeze it again."
        change(data_dir, Freeze(node=node, frozen=True, reason=reason), fix)
    if as_json:
        print_json([frozen_view(one) for one in read_frozen(data_dir)])
    elif node is None:
        _show(data_dir)
    else:
        say(f"Frozen: {node}. Undo with: headgate thaw {node}")


def _show(data_dir: Path) -> None:
    frozen = read_frozen(data_dir)
    if not frozen:
        say("Nothing is frozen.")
        return
    shown = table("frozen", "since", "reason")
    for one in frozen:
        shown.add_row(one.node, to_iso(one.at_ns), one.reason)
    print_table(shown)
