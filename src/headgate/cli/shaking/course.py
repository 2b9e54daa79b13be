"""One run: stand-ins, a node with a folder of its own, the sample sent, the books checked."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from headgate.cli.demonstration.child import Child
from headgate.cli.demonstration.messages import GatewayReady, GatewaySetup
from headgate.cli.shaking.asking import ask_all
from headgate.cli.shaking.books import read_books
from headgate.cli.shaking.document import Caller, Document, stood_in
from headgate.cli.shaking.shaken import locked, shaken
from headgate.cli.shaking.toml_text import toml_text
from headgate.config.snapshot import Snapshot
from headgate.economics.shocks.sampling import Sample
from headgate.economics.shocks.shock import Shock
from headgate.economics.shocks.tally import Ran
from headgate.insights.drill import Past
from headgate.simulator import INSTANT, Options, Simulator, SimulatorThread
from headgate.simulator.faults import Fault, FaultKind

CONFIG_NAME, LOG_NAME, DATA_NAME = "headgate.toml", "node.log", "data"
SINCE = timedelta(minutes=1)
"""Prices of a shock hold since a moment ago: after all that the file says, before the run."""


class Stage(NamedTuple):
    """What all runs have in common.

    Attributes:
        provider: Whom the shocks hit.
        model: Its most used model.
        callers: Whose key a call is made with, by principal and key as recorded.
    """

    document: Document
    snapshot: Snapshot
    sample: Sample
    provider: str
    model: str
    callers: Mapping[tuple[str, str], Caller]
    seed: int

    def secret_of(self, call: Past) -> str:
        """Return the secret that a call is made with."""
        return self.callers[call.principal, call.key].secret


def run(stage: Stage, shock: Shock, done: Callable[[], None], *, lock: bool) -> Ran:
    """Send the sample once under a shock; nothing outlives it.

    Raises:
        DemonstrationError: The node did not start.
        ConfigurationError: The configuration that was made cannot be used.
        StoreError: The store it left cannot be read.
    """
    with tempfile.TemporaryDirectory(prefix="headgate-replay-") as name, ExitStack() as parts:
        folder = Path(name)
        up = {provider: parts.enter_context(ExitStack()) for provider in stage.snapshot.providers}
        simulators = {
            provider: mine.enter_context(SimulatorThread(seed=stage.seed, options=_options()))
            for provider, mine in up.items()
        }

        def strike() -> None:
            _strike(simulators[stage.provider], shock, stage.model)
            if not shock.reachable:
                up[stage.provider].close()

        _write(folder / CONFIG_NAME, _configured(stage, shock, simulators, lock=lock))
        with _node(folder) as gateway:
            asked = ask_all(gateway, stage.sample.pieces, stage.secret_of, strike, done)
        bill = [entry for each in simulators.values() for entry in each.bill.entries]
        books = read_books(folder / DATA_NAME, asked, bill)
    return Ran(shock, lock, books.answers, books.problems)


def _options() -> Options:
    return Options(pace=INSTANT, any_model=True)


def _strike(simulator: Simulator, shock: Shock, model: str) -> None:
    if shock.fault is not None:
        simulator.faults.add(
            Fault(
                FaultKind(shock.fault),
                retry_after_s=0,
                model=model if shock.scope == "model" else None,
                share=float(shock.share),
            )
        )


def _configured(
    stage: Stage, shock: Shock, simulators: Mapping[str, Simulator], *, lock: bool
) -> Document:
    addresses = {name: each.any_url for name, each in simulators.items()}
    made = stood_in(stage.document, stage.snapshot, addresses, stage.callers.values())
    if lock:
        made = locked(made, stage.sample.calls)
    return shaken(made, stage.snapshot, shock, stage.provider, datetime.now(UTC) - SINCE)


def _write(path: Path, document: Document) -> None:
    # It has keys in it: made for its owner alone before anything is written.
    path.touch(mode=0o600)
    path.write_text(toml_text(document), "utf-8")


@contextmanager
def _node(folder: Path) -> Iterator[str]:
    """Run a node while it is asked; yield the gateway's address."""
    data_dir = folder / DATA_NAME
    data_dir.mkdir(mode=0o700)
    child = Child("gateway", folder / LOG_NAME)
    try:
        child.set_up(GatewaySetup(str(folder / CONFIG_NAME), str(data_dir)))
        yield child.ready(GatewayReady).gateway
        child.stop()
    finally:
        child.kill()
