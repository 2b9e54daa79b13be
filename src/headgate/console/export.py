"""Tables as files at stable addresses: JSON as the command line prints it, CSV for sheets."""

import csv
import io
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headgate.exports.files import cell
from headgate.insights.printed import Printed

ROWS_MAX = 5_000
"""An export has at most so many rows; its `Link` header says where the next ones are."""


class Piece(NamedTuple):
    """Rows to export, as JSON has them.

    Attributes:
        following: The query of the address of the next piece, None when there is none.
    """

    rows: Sequence[Any]
    following: str | None = None


def fields_of(kind: type[Printed], *without: str) -> tuple[str, ...]:
    """Return the names of a printed object's fields, but for some."""
    names = (field.name for field in msgspec.structs.fields(kind))
    return tuple(name for name in names if name not in without)


def exports(
    path: str, columns: Sequence[str], piece_of: Callable[[Request], Piece]
) -> tuple[Route, Route]:
    """Return `PATH.csv` and `PATH.json`.

    Args:
        path: Where the table itself is.
        columns: Those of the CSV; `refusal.code` is the field `code` of the object `refusal`.
        piece_of: Returns the rows that a request asks for.
    """

    def as_csv(request: Request) -> Response:
        piece = piece_of(request)
        # One quoted name, whatever an id may contain.
        name = re.sub(r"[^A-Za-z0-9._-]", "-", request.url.path.lstrip("/"))
        answer = Response(csv_text(piece.rows, columns), media_type="text/csv; charset=utf-8")
        answer.headers["content-disposition"] = f'attachment; filename="headgate-{name}"'
        return _linked(answer, request, piece)

    def as_json(request: Request) -> Response:
        piece = piece_of(request)
        answer = Response(msgspec.json.encode(piece.rows), media_type="application/json")
        return _linked(answer, request, piece)

    return Route(f"{path}.csv", as_csv), Route(f"{path}.json", as_json)


def _linked(answer: Response, request: Request, piece: Piece) -> Response:
    if piece.following is not None:
        answer.headers["link"] = f'<{request.url.path}?{piece.following}>; rel="next"'
    return answer


def csv_text(rows: Sequence[Any], columns: Sequence[str]) -> str:
    """Return rows as CSV (RFC 4180) with a header."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in msgspec.to_builtins(rows):
        writer.writerow([cell(_at(row, column)) for column in columns])
    return text.getvalue()


def _at(row: Any, column: str) -> object:
    value = row
    for name in column.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value
