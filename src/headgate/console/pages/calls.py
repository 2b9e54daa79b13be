"""`/calls`: every call there was, searched and narrowed by its address, and one call opened."""

from urllib.parse import quote

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from headgate.console.desk import Desk
from headgate.console.export import ROWS_MAX, Piece, exports, fields_of
from headgate.console.filters import Filter, FilterError, read_filter
from headgate.insights.calls import STATES, OpenedCall, open_call, ranked
from headgate.insights.contract import CallView
from headgate.insights.search import search
from headgate.insights.sessions import SessionSum, session_of_call
from headgate.insights.views import call_view, explain_view
from headgate.insights.views_decisions import decision_view
from headgate.units.usage import METERS

KIND = "calls"
TITLE = "Calls"
PATH = "/calls"
KEY = "c"
PLACE = 2

PAGE_ROWS = 50
CALL_ID_MAX = 128

COLUMNS = (
    *fields_of(CallView, "usage", "lines", "refusal"),
    *(f"usage.{meter}" for meter in METERS),
    "refusal.code",
    "refusal.message",
    "refusal.budget",
)
LINE_COLUMNS = ("attempt", "meter", "quantity", "price_usd_per_million", "amount", "price_row")


def routes(desk: Desk) -> list[Route]:
    """Return the list, one call, and both as files."""

    def listed(request: Request) -> Response:
        asked = _filter(desk, request)
        if asked.wanted.text and _find(desk, asked.wanted.text) is not None:
            return RedirectResponse(f"{PATH}/{quote(asked.wanted.text, safe='')}", 303)
        with desk.read() as connection:
            page = search(connection, asked.wanted, PAGE_ROWS, asked.after)
        snapshot = desk.snapshot
        values = {
            "filter": asked,
            "page": page,
            "searched": asked.chosen.get("q", ""),
            "states": STATES,
            "known": {
                "principal": tuple(snapshot.principals),
                "team": snapshot.teams,
                "key": tuple(snapshot.keys),
                "model": (*snapshot.routes, *snapshot.deployments),
                "deployment": tuple(snapshot.deployments),
            },
        }
        return desk.render(request, "calls.html", values)

    def opened(request: Request) -> Response:
        call = _call(desk, request)
        values = _shown(call) | {"session": _session(desk, call)}
        return desk.render(request, "call.html", values)

    def exported(request: Request) -> Piece:
        asked = _filter(desk, request)
        with desk.read() as connection:
            page = search(connection, asked.wanted, ROWS_MAX, asked.after)
        following = None if page.following is None else asked.query(page.following)
        return Piece([call_view(row) for row in page.rows], following)

    def lines(request: Request) -> Piece:
        view = explain_view(_call(desk, request), None)
        return Piece(
            [
                {"attempt": attempt.attempt, **msgspec.to_builtins(line)}
                for attempt in view.attempts
                for line in attempt.lines
            ]
        )

    def explained(request: Request) -> Response:
        call = _call(desk, request)
        view = explain_view(call, _session(desk, call))
        return Response(msgspec.json.encode(view), media_type="application/json")

    lines_csv, _ = exports(PATH + "/{call}", LINE_COLUMNS, lines)
    return [
        Route(PATH, listed),
        *exports(PATH, COLUMNS, exported),
        lines_csv,
        Route(PATH + "/{call}.json", explained),
        Route(PATH + "/{call}", opened),
    ]


def _shown(opened: OpenedCall) -> dict[str, object]:
    """Return what the page of a call is made from: its records, and what its decisions tell."""
    views = {number: decision_view(record, ()) for number, record in opened.decisions.items()}
    return {"opened": opened, "ranked": ranked, "views": views}


def _filter(desk: Desk, request: Request) -> Filter:
    try:
        return read_filter(request.query_params, desk.reader(request))
    except FilterError as error:
        raise HTTPException(400, str(error)) from error


def _call(desk: Desk, request: Request) -> OpenedCall:
    opened = _find(desk, request.path_params["call"])
    if opened is None:
        raise HTTPException(404, "There is no such call here, or it is not folded yet.")
    return opened


def _session(desk: Desk, call: OpenedCall) -> SessionSum | None:
    with desk.read() as connection:
        return session_of_call(connection, call)


def _find(desk: Desk, call: str) -> OpenedCall | None:
    if len(call) > CALL_ID_MAX:
        return None
    with desk.read() as connection:
        return open_call(connection, call)
