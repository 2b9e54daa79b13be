"""`/desk`: the reports of the economics desk, from the books, imported logs and assumptions."""

from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headgate.console.desk import Desk
from headgate.console.report_views import shown
from headgate.console.reports import KINDS, Field, Kind, job_of, kind_of
from headgate.console.workbench import ReportError
from headgate.economics.inputs import Inputs
from headgate.economics.load import load_inputs

KIND = "economics"
TITLE = "Desk"
PATH = "/desk"
KEY = "d"
PLACE = 10
ROWS_MAX = 200
FOREIGN = frozenset({"cross-site", "same-site"})
"""What a browser says of a request that a page of another origin made."""
ABSENT = "This console computes no reports: run the commands of the desk."


class Asked(NamedTuple):
    """A field as the form shows it.

    Attributes:
        value: As it was given, empty for what the command does without it.
        example: What an empty field shows.
        about: What is known of it, None where nothing is.
    """

    field: Field
    value: str
    example: str
    about: str | None


def routes(desk: Desk) -> list[Route]:
    """Return the page and the report as the command prints it."""

    async def page(request: Request) -> Response:
        kind, given = _kind(request), request.query_params
        values: dict[str, object] = {
            "kinds": KINDS,
            "kind": kind,
            "fields": _fields(kind, request),
            "report": None,
            "complaint": "",
            "rows_max": ROWS_MAX,
        }
        try:
            values["report"] = shown(kind.name, await _made(desk, kind, request))
        except ReportError as error:
            values["complaint"] = str(error)
        values["asked"] = bool(given.keys() - {"report"})
        return desk.render(request, "economics.html", values)

    async def exported(request: Request) -> Response:
        try:
            report = await _made(desk, _kind(request), request)
        except ReportError as error:
            raise HTTPException(400, str(error)) from error
        return Response(report, media_type="application/json")

    return [Route(PATH, page), Route(f"{PATH}.json", exported)]


def _kind(request: Request) -> Kind:
    kind = kind_of(request.query_params.get("report", KINDS[0].name))
    if kind is None:
        raise HTTPException(404, "There is no such report.")
    return kind


async def _made(desk: Desk, kind: Kind, request: Request) -> bytes:
    """Return a report as JSON.

    Raises:
        ReportError: There is none; the message says why.
        HTTPException: A page of another site asked for what keeps the machine busy for minutes.
    """
    workbench = desk.console.workbench
    if workbench is None:
        raise ReportError(ABSENT)
    job = job_of(kind, request.query_params)
    if job.is_long and request.headers.get("sec-fetch-site") in FOREIGN:
        raise HTTPException(403, "Pages of other sites may not start this report: ask for it here.")
    return await workbench.make(job, desk.console.now_ns())


def _fields(kind: Kind, request: Request) -> list[Asked]:
    given = request.query_params
    inputs = (
        load_inputs(kind.calculation) if any(one.is_input for one in kind.fields) else Inputs({})
    )
    found = []
    for field in kind.fields:
        known = inputs.items[field.name] if field.is_input else None
        value = given.get(field.name, next(iter(field.choices), ""))
        about = None if known is None else f"{known.meaning} {known.range_text} ({known.unit})."
        found.append(Asked(field, value, field.example if known is None else known.text, about))
    return found
