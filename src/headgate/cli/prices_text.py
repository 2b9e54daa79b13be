"""What `headgate prices` prints: rows and charges as tables and as JSON."""

from dataclasses import dataclass
from decimal import Decimal

from rich.table import Table

from headgate.catalog.fields import short_instant
from headgate.catalog.native import native_amount
from headgate.catalog.prices import PriceBook
from headgate.catalog.rates import RateCard
from headgate.catalog.rows import PriceRow
from headgate.cli.output import table
from headgate.insights.prices import row_json, rows_of_card, start_of, usd_per_million
from headgate.records.charge import Charge, ChargeLine
from headgate.records.demand import STANDARD
from headgate.units.instants import to_iso
from headgate.units.money import format_usd
from headgate.units.usage import UNIT_METERS

BY_THE_PIECE = UNIT_METERS[2:]
_SHOWN_METERS = {
    "input_uncached": "input",
    "cache_read": "cache read",
    "cache_write_5m": "write 5m",
    "cache_write_1h": "write 1h",
    "output_text": "output",
    "input_image": "image in",
    "output_image": "image out",
    "image": "images",
    "audio_second": "seconds",
    "character": "characters",
    "request": "requests",
}


@dataclass(frozen=True, slots=True)
class Listing:
    """Price rows to show.

    Attributes:
        rows: Each with the instant it ends or ended, None when no end is known.
    """

    rows: tuple[tuple[PriceRow, int | None], ...]

    def as_table(self) -> Table:
        """Return a table with a line per row, in dollars per million tokens."""
        meters = [meter for meter in _SHOWN_METERS if self._prices_any(meter)]
        headers = (f">{_SHOWN_METERS[meter]}" for meter in meters)
        ends = any(end_ns is not None for _row, end_ns in self.rows)
        shown = table("row", *headers, "from", *(["until"] if ends else []))
        for row, end_ns in self.rows:
            prices = (usd_per_million(row, meter) or "-" for meter in meters)
            end = [] if end_ns is None else [short_instant(end_ns)]
            shown.add_row(row.id, *prices, start_of(row), *end)
        return shown

    def notes(self) -> tuple[str, ...]:
        """Return what stands below the table: the unit, and the remarks on single rows."""
        remarks = (f"{row.id}: {_remarks(row)}" for row, _end_ns in self.rows if _remarks(row))
        pieces = any(self._prices_any(meter) for meter in BY_THE_PIECE)
        of = "tokens, images, seconds or characters" if pieces else "tokens"
        return (f"USD per million {of}; --json has every meter", *remarks)

    def _prices_any(self, meter: str) -> bool:
        return any(usd_per_million(row, meter) is not None for row, _end_ns in self.rows)

    def as_json(self) -> dict[str, object]:
        """Return the rows with every price, their dates and sources."""
        return {"rows": [row_json(row, end_ns) for row, end_ns in self.rows]}


def listing(book: PriceBook, at_ns: int, known_ns: int | None) -> Listing:
    """Return the standard rows in force at an instant, for every model."""
    rows: list[PriceRow] = []
    for seller, model in book.models():
        card = book.rate_card(seller, model, STANDARD, at_ns, known_ns)
        rows += rows_of_card(book, card)
    return Listing(tuple((row, book.end_ns(row, known_ns)) for row in rows))


def history(
    book: PriceBook, rows: tuple[PriceRow, ...], at_ns: int | None, known_ns: int | None
) -> Listing:
    """Return a model's rows, or those of them in force at an instant, in any tier.

    Args:
        book: The book that has the rows.
        rows: Of one model.
        at_ns: The instant, None for all of them.
        known_ns: Leave out what did not stand then; None leaves out nothing of a history.
    """
    if known_ns is not None:
        rows = tuple(row for row in rows if row.known_at(known_ns))
    if at_ns is not None:
        wanted: list[PriceRow] = []
        for seller, model, tier in dict.fromkeys(row.key[:3] for row in rows):
            terms = STANDARD._replace(tier=tier)
            wanted += rows_of_card(book, book.rate_card(seller, model, terms, at_ns, known_ns))
        rows = tuple(wanted)
    return Listing(tuple((row, book.end_ns(row, known_ns)) for row in rows))


@dataclass(frozen=True, slots=True)
class Explanation:
    """A charge with the rows it comes from.

    Attributes:
        at_ns: The instant that decided the price.
    """

    book: PriceBook
    card: RateCard
    charge: Charge
    at_ns: int

    def as_table(self) -> Table:
        """Return a table with a line per meter and the sum."""
        title = f"{self.card.seller}/{self.card.model} at {to_iso(self.at_ns)}"
        shown = table("meter", ">quantity", ">x USD", ">= USD", "from", "row", title=title)
        for line in self.charge.lines:
            entry = self.book.entry(line.price_row)
            start = start_of(entry) if isinstance(entry, PriceRow) else ""
            unit = f"{usd_per_unit(line.price_femto):f}"
            amount = format_usd(line.amount_nanos)
            shown.add_row(line.meter, str(line.quantity), unit, amount, start, line.price_row)
        shown.add_section()
        shown.add_row("total", "", "", format_usd(self.charge.amount_nanos), "", "")
        return shown

    def notes(self) -> tuple[str, ...]:
        """Return what must be known about the rows: sources, notes, unknown starts."""
        notes = [
            f"{line.meter}: {format_usd(native[1])} {native[0]}"
            for line in self.charge.lines
            if (native := native_amount(self.book, line)) is not None
        ]
        for row_id in dict.fromkeys(line.price_row for line in self.charge.lines):
            entry = self.book.entry(row_id)
            assert entry is not None, "a charge line names an entry of its book"
            if entry.sources:
                notes.append(f"{row_id}: read in {', '.join(entry.sources)}")
            if isinstance(entry, PriceRow) and (remarks := _remarks(entry)):
                notes.append(f"{row_id}: {remarks}")
            if isinstance(entry, PriceRow) and not entry.start_is_known:
                notes.append(f"{row_id}: its start is not known; it is taken to hold from 2020 on")
        return tuple(notes)

    def as_json(self) -> dict[str, object]:
        """Return the lines with their rows, money as exact decimal text."""
        return {
            "seller": self.card.seller,
            "model": self.card.model,
            "tier": self.card.terms.tier,
            "region": self.card.terms.region,
            "at": to_iso(self.at_ns),
            "amount_usd": format_usd(self.charge.amount_nanos),
            "lines": [self._line_json(line) for line in self.charge.lines],
        }

    def _line_json(self, line: ChargeLine) -> dict[str, object]:
        entry = self.book.entry(line.price_row)
        assert entry is not None, "a charge line names an entry of its book"
        fields: dict[str, object] = {
            "meter": line.meter,
            "quantity": line.quantity,
            "price_usd": f"{usd_per_unit(line.price_femto):f}",
            "amount_usd": format_usd(line.amount_nanos),
            "price_row": line.price_row,
        }
        if (native := native_amount(self.book, line)) is not None:
            fields["currency"], fields["amount"] = native[0], format_usd(native[1])
        if not isinstance(entry, PriceRow):
            return {**fields, "sources": list(entry.sources)}
        return {**fields, "row": row_json(entry, self.book.end_ns(entry))}


def usd_per_unit(price_femto: int) -> Decimal:
    """Return the exact dollars of one unit."""
    return Decimal(price_femto).scaleb(-15).normalize()


def _remarks(row: PriceRow) -> str:
    remarks = ["promotion"] if row.promo else []
    if row.superseded_at_ns is not None:
        remarks.append(f"cancelled {short_instant(row.superseded_at_ns)}")
    return "; ".join([*remarks, row.note] if row.note else remarks)
