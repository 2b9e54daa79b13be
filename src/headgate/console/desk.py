"""What every page is made with: templates, the store, the configuration, and who reads."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Protocol

from jinja2 import Environment, PackageLoader, StrictUndefined
from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from headgate.config.snapshot import Snapshot
from headgate.console import show
from headgate.console.memory import Memory
from headgate.console.reader import Reader, reader_of
from headgate.console.world import ConsoleWorld


class Page(Protocol):
    """What every module of `pages/` offers.

    Attributes:
        KIND: The page's name; unique.
        TITLE: What the navigation calls it.
        PATH: Its address.
        KEY: The letter that leads to it after `g`; unique.
        PLACE: Where it stands in the navigation, counted up.
    """

    KIND: str
    TITLE: str
    PATH: str
    KEY: str
    PLACE: int

    def routes(self, desk: "Desk", /) -> list[Route]:
        """Return what it answers to; what changes something is a form."""


class Desk:
    """Renders pages for requests.

    Attributes:
        pages: As they stand in the navigation.
        memory: Answers that are dear to make.
    """

    def __init__(self, console: ConsoleWorld, pages: Sequence[Page]) -> None:
        self.console = console
        self.pages = pages
        self.memory = Memory()
        self._environment = Environment(
            loader=PackageLoader("headgate.console"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters.update(
            usd=show.short_usd,
            exact_usd=show.exact_usd,
            per_million=show.per_million,
            count=show.count,
            span=show.span,
        )
        self._environment.globals.update(
            permille=show.permille, percent=show.percent, renewal=show.renewal
        )

    @property
    def snapshot(self) -> Snapshot:
        """The configuration in force."""
        return self.console.snapshot

    def reader(self, request: Request) -> Reader:
        """Return who asks."""
        return reader_of(request, self.snapshot.zone, self.console.now_ns())

    def read(self) -> Connection:
        """Return a connection to the store, to be closed by `with`."""
        return self.console.engine.connect()

    def render(
        self,
        request: Request,
        template: str,
        values: Mapping[str, object] | None = None,
        status: int = 200,
    ) -> HTMLResponse:
        """Return a page; its template is named for the page that is open in the navigation."""
        snapshot, query = self.snapshot, request.url.query
        common = {
            "console": self.console,
            "organisation": snapshot.organisation,
            "organisation_zone": snapshot.zone,
            "here": template.partition(".")[0],
            "pages": self.pages,
            "reader": self.reader(request),
            "url": f"{request.url.path}?{query}" if query else request.url.path,
            "query": query,
            "searched": "",
        }
        text = self._environment.get_template(template).render({**common, **(values or {})})
        return HTMLResponse(text, status)

    def problem(self, request: Request, status: int, sentence: str) -> HTMLResponse:
        """Return the page that says what went wrong."""
        title = HTTPStatus(status).phrase
        return self.render(request, "problem.html", {"title": title, "sentence": sentence}, status)
