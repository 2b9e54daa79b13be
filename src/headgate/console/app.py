"""The console as an ASGI application: routes, guards, and what errors look like."""

from pathlib import Path

from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from headgate.console import metrics
from headgate.console.desk import Desk
from headgate.console.entry import Entry
from headgate.console.guard import SECURITY_HEADERS, Guard, Headers
from headgate.console.pages.registry import pages
from headgate.console.sign_in import SignIn
from headgate.console.world import ConsoleWorld

__all__ = ["ConsoleWorld", "build"]

STATIC = Path(__file__).parent / "static"


def build(console: ConsoleWorld) -> Starlette:
    """Return the console; it reads the store, and passes decisions on to the gateway."""
    desk = Desk(console, pages())
    entry = None if console.token is None else Entry(console, console.token)
    sign_in = SignIn(desk, entry)

    def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        page = desk.problem(request, error.status_code, error.detail)
        page.headers.update(error.headers or {})
        return page

    def on_store(request: Request, _error: Exception) -> Response:
        return desk.problem(request, 503, "The store does not answer just now. Try again soon.")

    def on_bug(request: Request, _error: Exception) -> Response:
        page = desk.problem(request, 500, "The console met a bug; the steward's log has it.")
        # This answer is made outside of the middleware that adds them to all others.
        page.headers.update(SECURITY_HEADERS)
        return page

    return Starlette(
        routes=[
            *(route for page in desk.pages for route in page.routes(desk)),
            *metrics.routes(console),
            *sign_in.routes(),
            Mount("/static", StaticFiles(directory=STATIC), name="static"),
        ],
        middleware=[
            Middleware(Headers),
            Middleware(Guard, console=console, entry=entry, sign_in_page=sign_in.page),
        ],
        exception_handlers={
            HTTPException: on_http,
            OperationalError: on_store,
            Exception: on_bug,
        },
    )
