"""What is frozen, for the commands that tell it."""

from pathlib import Path

from headgate.cli.reading import reading_if_any
from headgate.identity.registry import FrozenNode, frozen_nodes
from headgate.insights.contract_control import FrozenView
from headgate.units.instants import to_iso


def read_frozen(data_dir: Path) -> list[FrozenNode]:
    """Return the nodes that are frozen now; none when there is no store yet.

    Raises:
        StoreError: The store cannot be read.
    """
    with reading_if_any(data_dir) as connection:
        return list(frozen_nodes(connection))


def frozen_text(node: FrozenNode) -> str:
    """Return a line: what is frozen, since when and why."""
    return f"{node.node} since {to_iso(node.at_ns)}: {node.reason or 'no reason given'}"


def frozen_view(node: FrozenNode) -> FrozenView:
    """Return what `--json` prints of a frozen node."""
    return FrozenView(node=node.node, since=to_iso(node.at_ns), reason=node.reason)
