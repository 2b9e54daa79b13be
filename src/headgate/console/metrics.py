"""`/metrics`: what Prometheus scrapes, showing the console's token as a bearer."""

from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headgate.console.guard import METRICS_PATH
from headgate.console.world import ConsoleWorld
from headgate.exports.prometheus import CONTENT_TYPE
from headgate.exports.scraping import Scrape, Seen


def routes(console: ConsoleWorld) -> Iterator[Route]:
    """Yield the address, where there is something to scrape."""
    if console.scrape is not None:
        yield _route(console, console.scrape)


def _route(console: ConsoleWorld, scrape: Scrape) -> Route:
    def answer(_request: Request) -> Response:
        seen = Seen(console.unwell(), console.queued())
        snapshot = console.snapshot
        text = scrape.text(snapshot.budgets, snapshot.zone, console.now_ns(), seen)
        return Response(text, media_type=CONTENT_TYPE)

    return Route(METRICS_PATH, answer)
