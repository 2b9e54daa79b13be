"""Starts the gateway that is measured, on an empty data directory, until it is told to stop."""

import argparse
import shutil
from pathlib import Path

from bench.configuration import Setup, headgate_toml
from headgate.node.supervisor import serve

BUILD = Path(__file__).resolve().parent / "build"


def prepare(setup: Setup, build: Path = BUILD) -> tuple[Path, Path]:
    """Write the configuration; return its path and that of an empty data directory."""
    data_dir = build / f"data-{setup.port}"
    shutil.rmtree(data_dir, ignore_errors=True)
    data_dir.mkdir(parents=True, mode=0o700)
    config = build / f"headgate-{setup.port}.toml"
    config.write_text(headgate_toml(setup), encoding="utf-8")
    return config, data_dir


def main() -> int:
    """Serve; returns the exit status of the node."""
    parser = argparse.ArgumentParser(prog="python -m bench.launch", description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="the data plane's port")
    parser.add_argument("--upstream", default="http://127.0.0.1:9100")
    parser.add_argument("--ca-file", help="authority of the upstream's certificate")
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    setup = Setup(arguments.port, arguments.upstream, arguments.ca_file)
    config, data_dir = prepare(setup)
    try:
        return serve(config, data_dir, workers=arguments.workers)
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)


if __name__ == "__main__":
    raise SystemExit(main())
