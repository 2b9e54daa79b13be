"""`/runs`: the newest runs that were told of, as trees, with what each spends now."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headgate.console.desk import Desk
from headgate.console.export import Piece, exports, fields_of
from headgate.insights.contract_runs import RunView
from headgate.insights.runs import newest_trees

KIND = "runs"
TITLE = "Runs"
PATH = "/runs"
KEY = "u"
PLACE = 8


def routes(desk: Desk) -> list[Route]:
    """Return the page and its table as files."""

    def page(request: Request) -> Response:
        with desk.read() as connection:
            views = newest_trees(connection)
        return desk.render(request, "runs.html", {"views": views})

    def exported(_request: Request) -> Piece:
        with desk.read() as connection:
            return Piece(newest_trees(connection))

    return [Route(PATH, page), *exports(PATH, fields_of(RunView), exported)]
