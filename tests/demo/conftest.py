"""A node with the demonstration's organisation, in front of simulated providers."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

import headgate
from headgate.cli.demonstration.child import Child
from headgate.cli.demonstration.messages import GatewayReady, GatewaySetup
from headgate.cli.demonstration.organisation import CONFIG_NAME, Places, configuration, make_keys
from headgate.simulator import SimulatorThread

SOURCE = Path(headgate.__file__).parents[1]


class Node(NamedTuple):
    """A running node: its base URL, and the secrets of its keys."""

    url: str
    keys: dict[str, str]


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    """The environment of programs that use the package as it lies here."""
    return {**os.environ, "PYTHONPATH": str(SOURCE)}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """Run a node as the demonstration does, without its traffic."""
    data_dir = tmp_path_factory.mktemp("node")
    keys = make_keys()
    config = data_dir / CONFIG_NAME
    with pytest.MonkeyPatch.context() as patch, SimulatorThread(seed=3) as simulator:
        patch.setenv("PYTHONPATH", str(SOURCE))
        places = Places("127.0.0.1:0", "127.0.0.1:0", simulator.openai_url, simulator.anthropic_url)
        config.write_text(configuration(places, keys), "utf-8")
        child = Child("gateway", data_dir / "log")
        try:
            child.set_up(GatewaySetup(str(config), str(data_dir)))
            yield Node(child.ready(GatewayReady).gateway, keys)
        finally:
            child.stop()
