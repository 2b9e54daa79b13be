"""The demonstration's node: the same supervisor that `headgate serve` runs."""

import os
import signal
from pathlib import Path

from headgate.cli.demonstration.child import at_end_of_input, read_setup, tell
from headgate.cli.demonstration.messages import GatewayReady, GatewaySetup
from headgate.node.supervisor import Node, serve


def main() -> int:
    """Run the node until the demonstration ends; returns the exit status."""
    setup = read_setup(GatewaySetup)
    at_end_of_input(lambda: os.kill(os.getpid(), signal.SIGTERM))
    return serve(Path(setup.config), Path(setup.data_dir), on_ready=_tell)


def _tell(node: Node) -> None:
    tell(GatewayReady(node.gateway_url, node.console_url))


if __name__ == "__main__":
    raise SystemExit(main())
