"""Checks of a price book that need no outside knowledge: what a slip of the pen looks like."""

from collections.abc import Callable, Iterable, Iterator
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import groupby, pairwise
from typing import Literal, NamedTuple

from headgate.catalog.exchange import USD
from headgate.catalog.facts import ModelDirectory
from headgate.catalog.prices import PriceBook
from headgate.catalog.rows import TOKEN_METERS, PriceRow
from headgate.units.usage import METERS

_USUAL_SHARES = (2, 4, 10, 20, 40)
"""Sellers charge a cache read at an n-th of the input price; these n are the usual ones."""

_DISPLAY_DIGITS = (Decimal("0.01"), Decimal("0.001"))
"""Steps to which price pages round what they show."""

UNIT_MISTAKE = 500
"""Per thousand for per million is a factor of 1,000; no price has moved by half as much."""
DEAREST, CHEAPEST = Decimal(10_000), Decimal("0.0005")
"""Dollars per million tokens of any model on sale lie between these."""

_OF_LISTS: frozenset[str] = frozenset(
    {"overlap", "gap", "cache_order", "cache_rounded", "zero_of_paid", "unit"}
)
"""What a file of prices is refused for."""
_AT_START: frozenset[str] = frozenset({"overlap", "unit"})
"""What a configuration is refused for: what cannot be meant."""

Severity = Literal["error", "warning"]


class Finding(NamedTuple):
    """One thing that looks wrong.

    Attributes:
        severity: `error` for what must not be shipped, `warning` for what wants a look.
        rule: `overlap`, `gap`, `cache_ratio`, `cache_rounded`, `cache_order`, `zero_price`,
            `zero_of_paid`, `unit`, `source_missing` or `long_context_missing`.
        row: Id of the row.
        message: One sentence.
    """

    severity: Severity
    rule: str
    row: str
    message: str


def check_book(book: PriceBook, models: ModelDirectory) -> tuple[Finding, ...]:
    """Return every finding, by rule in the order above and by row."""
    findings = [*_succession(book.rows)]
    checks: tuple[Callable[[PriceRow], Iterator[Finding]], ...] = (
        _cache_share,
        _cache_order,
        lambda row: _zero_prices(row, models),
        _units,
        lambda row: _beside_the_list(row, book),
        lambda row: _sources(row, {source.id for source in book.sources}),
    )
    for check in checks:
        for row in book.rows:
            findings += check(row)
    return (*findings, *_long_context(book.rows))


def refused(book: PriceBook, models: ModelDirectory, known: PriceBook) -> tuple[Finding, ...]:
    """Return why the rows that a book has beyond another are not taken unseen.

    What is no error in rows that are in force is one in a file that is offered: a gap, a rounded
    cache price, nothing for a model that others pay for, another unit.
    """
    new = {row.id for row in book.rows} - {row.id for row in known.rows}
    return tuple(
        finding._replace(severity="error") if finding.rule in _OF_LISTS else finding
        for finding in check_book(book, models)
        if not new.isdisjoint((finding.row, *finding.message.split()))
    )


def senseless(book: PriceBook) -> tuple[Finding, ...]:
    """Return what is wrong with configured rows that cannot be meant: overlaps, other units."""
    rows = [row for row in book.rows if row.origin == "configuration"]
    found = [*_succession(rows)]
    for row in rows:
        found += [*_units(row), *_beside_the_list(row, book)]
    return tuple(each for each in found if each.rule in _AT_START)


def _succession(rows: Iterable[PriceRow]) -> Iterator[Finding]:
    """Find rows of one key that hold at the same time, and times at which none holds."""
    ordered = sorted(rows, key=lambda row: (row.key, row.valid_from_ns))
    for _, group in groupby(ordered, key=lambda row: row.key):
        members = list(group)
        standing = [row for row in members if row.superseded_at_ns is None]
        for earlier, later in pairwise(standing):
            ends = earlier.valid_to_ns
            if ends is not None and ends < later.valid_from_ns:
                yield Finding("warning", "gap", earlier.id, f"no row until {later.id} starts")
        for index, earlier in enumerate(members):
            for later in members[index + 1 :]:
                if _clash(earlier, later):
                    yield Finding("error", "overlap", earlier.id, f"{later.id} holds then, too")


def _clash(earlier: PriceRow, later: PriceRow) -> bool:
    """Tell whether two rows of one key, known together, both claim the start of the later."""
    known_together = (earlier.superseded_at_ns or later.recorded_at_ns + 1) > later.recorded_at_ns
    known_together &= (later.superseded_at_ns or earlier.recorded_at_ns + 1) > (
        earlier.recorded_at_ns
    )
    beyond = earlier.valid_to_ns is not None and earlier.valid_to_ns > later.valid_from_ns
    return known_together and (beyond or earlier.valid_from_ns == later.valid_from_ns)


def _cache_share(row: PriceRow) -> Iterator[Finding]:
    """Find cache reads that are not a whole fraction of the input price."""
    price, cached = _price(row, "input_uncached"), _price(row, "cache_read")
    if not price or not cached or Fraction(price) % Fraction(cached) == 0:
        return
    for share in _USUAL_SHARES:
        exact = price / share
        if any(exact.quantize(digit, ROUND_HALF_UP) == cached for digit in _DISPLAY_DIGITS):
            message = f"cache_read {cached} looks like {exact} (input / {share}) as it is displayed"
            yield Finding("warning", "cache_rounded", row.id, message)
            return
    ratio = f"cache_read {cached} is not a whole fraction of input {price}"
    yield Finding("warning", "cache_ratio", row.id, ratio)


def _cache_order(row: PriceRow) -> Iterator[Finding]:
    """Find cache columns that seem swapped: a read must be cheaper than input, a write not."""
    price, cached = _price(row, "input_uncached"), _price(row, "cache_read")
    if price is None:
        return
    if cached is not None and price and cached >= price:
        yield Finding("error", "cache_order", row.id, "cache_read is not below input")
    for meter in ("cache_write_5m", "cache_write_1h", "cache_write_24h"):
        written = _price(row, meter)
        if written is not None and written < price:
            yield Finding("error", "cache_order", row.id, f"{meter} is below input")


def _zero_prices(row: PriceRow, models: ModelDirectory) -> Iterator[Finding]:
    """Find prices of zero; embeddings have no output to charge for."""
    facts = models.facts(row.seller, row.model)
    embedding = facts is not None and facts.mode == "embedding"
    for meter, price in zip(METERS, row.prices_femto, strict=True):
        if price == 0 and not (embedding and meter.startswith("output")):
            yield Finding(_severity(row), "zero_price", row.id, f"{meter} costs nothing")
    given, made = (_price(row, meter) for meter in ("input_uncached", "output_text"))
    for meter, own, other in (("input_uncached", given, made), ("output_text", made, given)):
        if own == 0 and other and not embedding and row.origin == "configuration":
            message = f"{meter} costs nothing, though the model is paid for"
            yield Finding("warning", "zero_of_paid", row.id, message)


def _units(row: PriceRow) -> Iterator[Finding]:
    """Find prices that are written in another unit than dollars per million tokens."""
    for meter in TOKEN_METERS:
        price = _price(row, meter)
        if price and not CHEAPEST <= price <= DEAREST and row.currency == USD:
            message = f"{meter} at {price:f} dollars a million looks like another unit"
            yield Finding("error", "unit", row.id, message)


def _beside_the_list(row: PriceRow, book: PriceBook) -> Iterator[Finding]:
    """Find configured prices that are far from every built-in one of the same model and tier."""
    if row.origin != "configuration" or row.currency != USD:
        return
    listed = [
        other
        for other in book.rows_of_tier(row.seller, row.model, row.tier)
        if other.origin == "built-in" and other.currency == USD
    ]
    for meter in TOKEN_METERS:
        price = _price(row, meter)
        others = [known for other in listed if (known := _price(other, meter))]
        if price is None or not others:
            continue
        if not price:
            message = f"{meter} costs nothing, and {min(others):f} by the list"
            yield Finding("warning", "zero_of_paid", row.id, message)
        elif all(not 1 / UNIT_MISTAKE < price / known < UNIT_MISTAKE for known in others):
            message = f"{meter} is {price:f}, and {min(others):f} by the list: another unit?"
            yield Finding("error", "unit", row.id, message)


def _sources(row: PriceRow, known: set[str]) -> Iterator[Finding]:
    """Find rows that do not say where the price was read."""
    if not row.sources:
        yield Finding(_severity(row), "source_missing", row.id, "it names no source")
    for source in row.sources:
        if source not in known and "://" not in source:
            yield Finding(
                _severity(row), "source_missing", row.id, f"there is no source {source!r}"
            )


def _long_context(rows: Iterable[PriceRow]) -> Iterator[Finding]:
    """Find tiers that charge long prompts like short ones where the standard tier does not."""
    standing = [row for row in rows if row.superseded_at_ns is None and row.valid_to_ns is None]
    tiers = {(row.seller, row.model, row.tier): row for row in reversed(standing)}
    long = {key[:3] for key in (row.key for row in standing) if key[3]}
    for (seller, model, tier), row in sorted(tiers.items()):
        if (seller, model, "standard") in long and (seller, model, tier) not in long:
            message = "the standard tier has a long-context row, this tier has none"
            yield Finding("warning", "long_context_missing", row.id, message)


def _severity(row: PriceRow) -> Severity:
    """Our own rows must be right; what is configured may be meant."""
    return "error" if row.origin == "built-in" else "warning"


def _price(row: PriceRow, meter: str) -> Decimal | None:
    """Return dollars per million, None when the row does not price the meter."""
    femto = row.prices_femto[METERS.index(meter)]
    return None if femto is None else Decimal(femto).scaleb(-9).normalize()
