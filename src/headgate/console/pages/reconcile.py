"""`/reconcile`: what providers say they charged, beside the books."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headgate.console.desk import Desk
from headgate.console.export import Piece, exports, fields_of
from headgate.insights.contract_reconcile import CellView
from headgate.insights.drift import drifts, kept_cells
from headgate.insights.views_reconcile import cell_view

KIND = "reconcile"
TITLE = "Reconcile"
PATH = "/reconcile"
KEY = "e"
PLACE = 9
ROWS_MAX = 500


def routes(desk: Desk) -> list[Route]:
    """Return the page and its table as files."""

    def page(request: Request) -> Response:
        with desk.read() as connection:
            cells = [cell for cell in kept_cells(connection) if cell.reason != "agreed"]
            values = {
                "drifts": drifts(connection),
                "cells": sorted(cells, key=lambda cell: cell.day, reverse=True)[:ROWS_MAX],
                "more": len(cells[ROWS_MAX:]),
            }
        return desk.render(request, "reconcile.html", values)

    def exported(_request: Request) -> Piece:
        with desk.read() as connection:
            return Piece([cell_view(cell) for cell in kept_cells(connection)])

    return [Route(PATH, page), *exports(PATH, fields_of(CellView), exported)]
