"""`/prices`: the price rows in force, now or as of another date, with where they were read."""

from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from headgate.catalog.prices import PriceBook
from headgate.catalog.rows import PriceRow
from headgate.config.snapshot import Snapshot
from headgate.console.desk import Desk
from headgate.console.export import Piece, exports
from headgate.insights.prices import in_force, row_json, start_of
from headgate.units.usage import METERS

KIND = "prices"
TITLE = "Prices"
PATH = "/prices"
KEY = "p"
PLACE = 5

SHOWN_METERS = {
    "input_uncached": "Input",
    "cache_read": "Cache read",
    "cache_write_5m": "Cache write",
    "output_text": "Output",
}
TEXT_CHARS_MAX = 100
COLUMNS = (
    "id",
    "seller",
    "model",
    "tier",
    "min_prompt_tokens_exclusive",
    "band",
    *(f"usd_per_million.{meter}" for meter in METERS),
    "valid_from",
    "observed_at",
    "valid_to",
    "recorded_at",
    "superseded_at",
    "promo",
    "origin",
    "sources",
    "note",
)


class Asked(NamedTuple):
    """Which rows a page shows.

    Attributes:
        whole: The whole book, not only the models that a deployment is priced as.
        at: The day as it was given, empty for now.
    """

    at: str
    at_ns: int
    text: str
    seller: str
    whole: bool


def routes(desk: Desk) -> list[Route]:
    """Return the page and its table as files."""

    def page(request: Request) -> Response:
        snapshot, asked = desk.snapshot, _asked(desk, request)
        book = snapshot.price_book
        values = {
            "asked": asked,
            "rows": _rows(snapshot, asked),
            "sellers": sorted({seller for seller, _model in book.models()}),
            "sources": {source.id: source for source in book.sources},
            "meters": SHOWN_METERS,
            "place_of": {meter: METERS.index(meter) for meter in SHOWN_METERS},
            "start_of": start_of,
        }
        return desk.render(request, "prices.html", values)

    def exported(request: Request) -> Piece:
        snapshot = desk.snapshot
        rows = _rows(snapshot, _asked(desk, request))
        return Piece([row_json(row, snapshot.price_book.end_ns(row)) for row in rows])

    return [Route(PATH, page), *exports(PATH, COLUMNS, exported)]


def _asked(desk: Desk, request: Request) -> Asked:
    given, reader = request.query_params, desk.reader(request)
    at = given.get("at", "").strip()
    try:
        at_ns = reader.instant(at) if at else reader.now_ns
    except ValueError as error:
        raise HTTPException(400, "at is a date, such as 2026-08-17.") from error
    text = given.get("q", "").strip()[:TEXT_CHARS_MAX]
    seller = given.get("seller", "").strip()[:TEXT_CHARS_MAX]
    return Asked(at, at_ns, text, seller, bool(given.get("all")))


def _rows(snapshot: Snapshot, asked: Asked) -> list[PriceRow]:
    book = snapshot.price_book
    used, text = _used(snapshot, book), asked.text.lower()
    searched = bool(text or asked.seller)
    return [
        row
        for row in in_force(book, asked.at_ns)
        if asked.seller in ("", row.seller)
        and text in f"{row.seller}/{row.model} {row.tier}".lower()
        and (asked.whole or searched or (row.seller, row.model) in used)
    ]


def _used(snapshot: Snapshot, book: PriceBook) -> set[tuple[str, str | None]]:
    """Return the models that the configured deployments are priced as."""
    return {
        (one.seller, book.priced_as(one.seller, one.priced_as))
        for one in snapshot.deployments.values()
    }
