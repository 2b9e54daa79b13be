"""`/keys`: who holds which key, for what, and when it was last used; never a secret."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headgate.console.desk import Desk
from headgate.console.export import Piece, exports, fields_of
from headgate.identity.registry import ends_of, kept_keys
from headgate.insights.contract import KeyView
from headgate.insights.keys import key_views, read_last_uses

KIND = "keys"
TITLE = "Keys"
PATH = "/keys"
KEY = "k"
PLACE = 6


def routes(desk: Desk) -> list[Route]:
    """Return the page and its table as files."""

    def page(request: Request) -> Response:
        with desk.read() as connection:
            kept, uses = kept_keys(connection), read_last_uses(connection)
        values = {
            "views": key_views(desk.snapshot.keys, kept, uses),
            "made": {key.id: key for key in kept},
            "uses": uses,
            "ends": ends_of(desk.snapshot.keys, kept),
            "now_ns": desk.console.now_ns(),
        }
        return desk.render(request, "keys.html", values)

    def exported(_request: Request) -> Piece:
        with desk.read() as connection:
            kept, uses = kept_keys(connection), read_last_uses(connection)
        return Piece(key_views(desk.snapshot.keys, kept, uses))

    return [Route(PATH, page), *exports(PATH, fields_of(KeyView), exported)]
