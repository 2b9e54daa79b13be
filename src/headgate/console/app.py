"""The console as an ASGI application: routes, guards, and what errors look like."""

from pathlib import Path

from sqlalchemy.exc import OperationalError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from headgate.console.guard import SIGN_IN_PATH, Guard, Headers
from headgate.console.pages import Pages
from headgate.console.world import ConsoleWorld

__all__ = ["ConsoleWorld", "build"]

STATIC = Path(__file__).parent / "static"


def build(console: ConsoleWorld) -> Starlette:
    """Return the console; it reads the store and changes nothing."""
    pages = Pages(console)

    def on_http(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        page = pages.problem_page(error.status_code, error.detail)
        page.headers.update(error.headers or {})
        return page

    def on_store(_request: Request, _error: Exception) -> Response:
        return pages.problem_page(503, "The store does not answer just now. Try again in a moment.")

    def on_bug(_request: Request, _error: Exception) -> Response:
        return pages.problem_page(500, "The console met a bug; the steward's log has it.")

    return Starlette(
        routes=[
            Route("/", pages.index),
            Route("/calls/{call}", pages.call),
            Route("/fragments/summary", pages.summary),
            Route("/fragments/budgets", pages.budgets),
            Route("/fragments/calls", pages.calls),
            Route("/fragments/calls/{call}", pages.call_fragment),
            Route("/fragments/frozen", pages.frozen),
            Route("/fragments/refusals", pages.refusals),
            Route("/data/spend.json", pages.spend),
            Route(SIGN_IN_PATH, pages.sign_in, methods=["GET", "POST"]),
            Mount("/static", StaticFiles(directory=STATIC), name="static"),
        ],
        middleware=[
            Middleware(Headers),
            Middleware(Guard, console=console, sign_in_page=pages.sign_in_page),
        ],
        exception_handlers={
            HTTPException: on_http,
            OperationalError: on_store,
            Exception: on_bug,
        },
    )
