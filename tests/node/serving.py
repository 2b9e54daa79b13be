"""Runs a node until SIGTERM and prints where it answers, as one line of JSON, when it is ready."""

import json
import sys
from pathlib import Path

from headgate.node.supervisor import Node, serve


def _tell(node: Node) -> None:
    urls = {"gateway": node.gateway_url, "console": node.console_url}
    sys.stdout.write(json.dumps(urls) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    config, data_dir, workers = sys.argv[1:]
    raise SystemExit(serve(Path(config), Path(data_dir), on_ready=_tell, workers=int(workers)))
