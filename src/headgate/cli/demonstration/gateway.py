"""The demonstration's node: the same supervisor that `headgate serve` runs."""

import os
import signal
from pathlib import Path

from msgspec import Struct

from headgate.cli.demonstration.child import at_end_of_input, read_setup, tell
from headgate.node.supervisor import Node, serve


class Setup(Struct, frozen=True):
    """What it is given: paths."""

    config: str
    data_dir: str


class Addresses(Struct, frozen=True):
    """Where the node answers."""

    gateway: str
    console: str


def main() -> int:
    """Run the node until the demonstration ends; returns the exit status."""
    setup = read_setup(Setup)
    at_end_of_input(lambda: os.kill(os.getpid(), signal.SIGTERM))
    return serve(Path(setup.config), Path(setup.data_dir), on_ready=_tell)


def _tell(node: Node) -> None:
    tell(Addresses(node.gateway_url, node.console_url))


if __name__ == "__main__":
    raise SystemExit(main())
