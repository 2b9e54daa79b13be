"""The configuration that the steward goes by, which may change while it runs."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine

from headgate.config.snapshot import Snapshot
from headgate.node.messages import Done, Failed
from headgate.node.pages import Pages
from headgate.store import audit
from headgate.store.audit import Event
from headgate.units.errors import ConfigurationError


class Rules:
    """What the steward goes by.

    Attributes:
        snapshot: The configuration in force.
        budgets: Those of it, and those it has no more: a worker that retires still holds on them.
    """

    def __init__(self, read: Callable[[Path], Snapshot], in_force: Path, pages: Pages) -> None:
        self._read = read
        self._pages = pages
        self.snapshot = read(in_force)
        self.budgets = dict(self.snapshot.budgets)
        pages.show(self.snapshot)

    def places_at(self, deployment: str) -> int | None:
        """Return how many places a deployment has, None when it is configured no more."""
        found = self.snapshot.deployments.get(deployment)
        return None if found is None else found.concurrency_max

    def take_up(self, engine: Engine, in_force: Path) -> Done | Failed:
        """Go by another configuration from now on, as the audit chain is told, or say why not."""
        try:
            self.snapshot = self._read(in_force)
        except (ConfigurationError, OSError) as error:
            return Failed(f"The steward cannot read it: {error}")
        self.budgets.update(self.snapshot.budgets)
        self._pages.show(self.snapshot)
        digest = hashlib.sha256(in_force.read_bytes()).hexdigest()
        event = Event("steward", "configuration.reloaded", "configuration", {"sha256": digest})
        with engine.begin() as connection:
            audit.append(connection, event, time.time_ns())
        return Done()
