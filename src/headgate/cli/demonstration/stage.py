"""Everything that runs in a demonstration: started in order, and never left behind."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from headgate.cli.demonstration.child import Child
from headgate.cli.demonstration.messages import (
    Added,
    GatewayReady,
    GatewaySetup,
    ProbeSetup,
    Tally,
    TrafficSetup,
    UpstreamsReady,
    UpstreamsSetup,
)
from headgate.cli.demonstration.organisation import CONFIG_NAME, Places, configuration, make_keys
from headgate.cli.reading import read_configuration
from headgate.config.snapshot import Snapshot

CHILDREN = ("upstreams", "gateway", "traffic", "probe")
LOG_NAME = "demo.log"
PROBE_PAUSE_S = 0.2
PROBE_PAUSE_S_MIN = 0.03
PROBE_PAIRS = 90
PROBE_MARGIN_S = 1.5
"""Of a bounded demonstration this much is left for what the pairs themselves take."""


class Wanted(NamedTuple):
    """What somebody wants to see.

    Attributes:
        gateway: Address to listen on, and so `console`.
        for_s: How long, None until it is stopped.
    """

    data_dir: Path
    gateway: str
    console: str
    for_s: float | None
    seed: int


class Stage(NamedTuple):
    """A running demonstration.

    Attributes:
        admin_url: The control surface of the simulated providers.
        started_ns: An instant before the first call.
        ready_s: When the traffic had begun, on the monotonic clock.
    """

    wanted: Wanted
    snapshot: Snapshot
    keys: dict[str, str]
    gateway_url: str
    console_url: str
    admin_url: str
    upstreams: Child
    gateway: Child
    traffic: Child
    probe: Child
    started_ns: int
    ready_s: float

    @property
    def added(self) -> Added:
        """What the probe has measured so far."""
        return msgspec.json.decode(self.probe.latest or b"{}", type=Added)

    def require(self) -> None:
        """Check that what is needed still runs; the probe may have ended.

        Raises:
            DemonstrationError: Something has ended.
        """
        for child in (self.upstreams, self.gateway, self.traffic):
            child.require()


@contextmanager
def staged(wanted: Wanted) -> Iterator[Stage]:
    """Start everything; whatever still runs in the end is ended.

    Raises:
        DemonstrationError: Something did not start.
        ConfigurationError: The configuration that was written cannot be used.
    """
    wanted.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    log = wanted.data_dir / LOG_NAME
    children: dict[str, Child] = {}

    try:
        # All at once: most of what they do at first is to import.
        for name in CHILDREN:
            children[name] = Child(name, log)
        yield _set_up(wanted, children)
    finally:
        for child in reversed(children.values()):
            child.kill()


def _set_up(wanted: Wanted, children: dict[str, Child]) -> Stage:
    providers, node, callers, prober = (children[name] for name in CHILDREN)
    providers.set_up(UpstreamsSetup(wanted.seed))
    upstream = providers.ready(UpstreamsReady)
    keys = make_keys()
    config = _write_configuration(wanted, upstream, keys)
    snapshot = read_configuration(config)
    node.set_up(GatewaySetup(str(config), str(wanted.data_dir)))
    found = node.ready(GatewayReady)
    started_ns = time.time_ns()
    callers.set_up(TrafficSetup(found.gateway, str(wanted.data_dir), keys, wanted.seed))
    callers.ready(Tally)
    pause_s = _probe_pause_s(wanted)
    prober.set_up(ProbeSetup(found.gateway, upstream.baseline, keys["probe"], pause_s))
    prober.ready(Added)
    return Stage(
        wanted=wanted,
        snapshot=snapshot,
        keys=keys,
        gateway_url=found.gateway,
        console_url=found.console,
        admin_url=upstream.admin,
        upstreams=providers,
        gateway=node,
        traffic=callers,
        probe=prober,
        started_ns=started_ns,
        ready_s=time.monotonic(),
    )


def _write_configuration(wanted: Wanted, upstream: UpstreamsReady, keys: dict[str, str]) -> Path:
    places = Places(wanted.gateway, wanted.console, upstream.openai, upstream.anthropic)
    path = wanted.data_dir / CONFIG_NAME
    # It has keys in it: made for its owner alone before anything is written.
    path.touch(mode=0o600)
    path.write_text(configuration(places, keys), "utf-8")
    return path


def _probe_pause_s(wanted: Wanted) -> float:
    if wanted.for_s is None:
        return PROBE_PAUSE_S
    pause_s = (wanted.for_s - PROBE_MARGIN_S) / PROBE_PAIRS
    return min(PROBE_PAUSE_S, max(PROBE_PAUSE_S_MIN, pause_s))
