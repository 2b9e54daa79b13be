"""The configuration that the steward goes by, which may change while it runs."""

import secrets
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Engine
from starlette.types import ASGIApp, Receive, Scope, Send

from headgate.config.snapshot import Snapshot
from headgate.console.app import ConsoleWorld, build
from headgate.insights.routes import Unwell
from headgate.node.messages import Done, Failed
from headgate.units.errors import ConfigurationError


class Pages:
    """The console, an ASGI application, as it is under the configuration in force.

    Args:
        engine: The store, opened for reading.
        port: Where the console listens.
        gateway_url: Where the data plane listens.

    Attributes:
        unwell: Returns whom a worker passes over now; nobody until the steward sets it.
    """

    def __init__(self, engine: Engine, port: int, gateway_url: str) -> None:
        self._engine = engine
        self._port = port
        self._gateway_url = gateway_url
        self.unwell: Callable[[], Unwell] = dict
        self._form_secret = secrets.token_bytes(32)
        self._app: ASGIApp | None = None

    def show(self, snapshot: Snapshot) -> None:
        """Show this configuration from now on."""
        listen = snapshot.console
        names = {listen.host, "127.0.0.1", "localhost"}
        world = ConsoleWorld(
            engine=self._engine,
            snapshot=snapshot,
            unwell=lambda: self.unwell(),
            now_ns=time.time_ns,
            hosts=frozenset(f"{name}:{self._port}" for name in names),
            token=listen.token,
            gateway_url=self._gateway_url,
            form_secret=self._form_secret,
        )
        self._app = build(world)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        assert self._app is not None, "show comes first"
        await self._app(scope, receive, send)


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

    def take_up(self, in_force: Path) -> Done | Failed:
        """Go by another configuration from now on, or say why not."""
        try:
            self.snapshot = self._read(in_force)
        except (ConfigurationError, OSError) as error:
            return Failed(f"The steward cannot read it: {error}")
        self.budgets.update(self.snapshot.budgets)
        self._pages.show(self.snapshot)
        return Done()
