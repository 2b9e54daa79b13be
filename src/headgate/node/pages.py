"""The console within the steward: its pages under the configuration in force, and their server."""

import secrets
import time
from argparse import Namespace
from collections.abc import Callable, Sequence

import uvicorn
from sqlalchemy import Engine
from starlette.types import ASGIApp, Receive, Scope, Send

from headgate.config.snapshot import Snapshot
from headgate.console.app import ConsoleWorld, build
from headgate.console.visits import new_visits
from headgate.console.workbench import Workbench
from headgate.exports.scraping import Scrape
from headgate.insights.routes import Queued, Unwell
from headgate.node.pages_door import server_of


class Pages:
    """The console, an ASGI application, as it is under the configuration in force.

    Args:
        engine: The store, opened for reading.
        scrape: Counts for `/metrics`.
        port: Where the console listens.
        gateway_url: Where the data plane listens.
        workbench: What computes the reports of the desk.

    Attributes:
        port: Where the console listens.
        unwell: Returns whom a worker passes over now; nobody until the steward sets it.
    """

    def __init__(
        self, engine: Engine, scrape: Scrape, port: int, gateway_url: str, workbench: Workbench
    ) -> None:
        self._engine = engine
        self._scrape = scrape
        self._workbench = workbench
        self.port = port
        self._gateway_url = gateway_url
        self.unwell: Callable[[], Unwell] = dict
        self.queued: Callable[[], Sequence[Queued]] = tuple
        self._form_secret = secrets.token_bytes(32)
        self._visits = new_visits(secrets.token_bytes(32))
        self._app: ASGIApp | None = None

    def show(self, snapshot: Snapshot) -> None:
        """Show this configuration from now on."""
        listen = snapshot.console
        world = ConsoleWorld(
            engine=self._engine,
            snapshot=snapshot,
            unwell=lambda: self.unwell(),
            queued=lambda: self.queued(),
            now_ns=time.time_ns,
            hosts=listen.hosts(self.port),
            token=listen.token,
            visits=self._visits,
            gateway_url=self._gateway_url,
            form_secret=self._form_secret,
            scrape=self._scrape,
            workbench=self._workbench,
        )
        self._app = build(world)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        assert self._app is not None, "show comes first"
        await self._app(scope, receive, send)


def pages_maker(arguments: Namespace) -> Callable[[Engine, Scrape], Pages]:
    """Return what makes the console of a steward that was started with these arguments."""
    workbench = Workbench(arguments.config, arguments.data_dir)
    return lambda engine, scrape: Pages(
        engine, scrape, arguments.console_port, arguments.gateway_url, workbench
    )


def console_server(pages: Pages, host: str) -> uvicorn.Server:
    """Return the server of the console, ready to serve."""
    return server_of(pages, host, pages.port)
