"""Compares lists of others with the book, price by price, and says what looks wrong in which."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Literal

from headgate.catalog.check import UNIT_MISTAKE, Finding, Severity, check_book
from headgate.catalog.facts import ModelDirectory
from headgate.catalog.fields import PriceRowError, instant_of
from headgate.catalog.prices import PriceBook
from headgate.catalog.rates import Rate
from headgate.catalog.rows import PriceRow
from headgate.economics.prices.listed import Listed, newest
from headgate.records.demand import Terms
from headgate.units.usage import METERS

Status = Literal["same", "changed", "new", "announced", "unusable"]

_JUMP = 2
_DISAGREE = Decimal("0.01")
_DISPLAYED = (Decimal("0.01"), Decimal("0.001"))
_FEMTO = -9
"""Femto-dollars per token to dollars per million, as a power of ten."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One price of a list beside the book's.

    Attributes:
        status: `announced` starts after the day of the comparison; `unusable` is no price.
        row: As it would be configured, None when it is unusable.
        known: The book's row id, None when it has no price.
        changes: Meter, the book's price and the list's, in dollars per million; None: none.
        findings: What wants a look; an `error` keeps it from being taken with all others.
    """

    listed: Listed
    status: Status
    row: PriceRow | None
    known: str | None
    changes: tuple[tuple[str, Decimal | None, Decimal], ...]
    findings: tuple[Finding, ...]

    @property
    def is_doubtful(self) -> bool:
        """Whether a finding is an error."""
        return any(finding.severity == "error" for finding in self.findings)


def compare(
    book: PriceBook, models: ModelDirectory, listed: Iterable[Listed], on: date
) -> tuple[Difference, ...]:
    """Return the differences of some lists to the book as it is on a day, in the lists' order."""
    prices = [price for group in _by_source(listed) for price in newest(group, on)]
    beside: dict[tuple[str, str, str, int], list[Listed]] = {}
    for price in prices:
        if price.valid_from is None or price.valid_from <= on:
            beside.setdefault(price.key, []).append(price)
    return tuple(
        _difference(book, models, price, on, beside.get(price.key, [])) for price in prices
    )


def _by_source(listed: Iterable[Listed]) -> Iterable[list[Listed]]:
    found: dict[str, list[Listed]] = {}
    for price in listed:
        found.setdefault(price.source, []).append(price)
    return found.values()


def _difference(
    book: PriceBook, models: ModelDirectory, price: Listed, on: date, beside: list[Listed]
) -> Difference:
    rate = _rate(book, price, on)
    known = None if rate is None else rate.price_rows[0]
    changes = tuple(_changes(rate, price))
    try:
        row = price.as_row(on)
    except PriceRowError as error:
        broken = Finding("error", "unusable", price.model, f"{error}")
        return Difference(price, "unusable", None, known, changes, (broken,))
    findings = (
        *_checked(row, models),
        *_units(row, changes),
        *_jumps(row, changes),
        *_rounded(row, changes),
        *_disagreements(row, price, beside),
        *_hours(row, book, price),
    )
    status: Status = "changed" if changes else "same"
    if rate is None:
        status = "new"
    if price.valid_from is not None and price.valid_from > on:
        status = "announced"
    return Difference(price, status, row, known, changes, findings)


def _rate(book: PriceBook, price: Listed, on: date) -> Rate | None:
    """Return the book's prices for the same tier and length of prompt, without contracts."""
    card = book.rate_card(price.seller, price.model, Terms(tier=price.tier), instant_of(on))
    above = price.min_prompt_tokens_exclusive
    wanted = -1 if above is None else above
    return next((r for r in card.rates if r.above_tokens == wanted), None) if card else None


def _changes(rate: Rate | None, price: Listed) -> Iterator[tuple[str, Decimal | None, Decimal]]:
    for meter, listed in price.usd_per_million.items():
        femto = None if rate is None else rate.prices_femto[METERS.index(meter)]
        known = None if femto is None else Decimal(femto).scaleb(_FEMTO).normalize()
        if known != listed:
            yield meter, known, listed.normalize()


def _checked(row: PriceRow, models: ModelDirectory) -> Iterator[Finding]:
    """Find what a slip of the pen looks like; a price of zero is an error in a list of others."""
    for finding in check_book(PriceBook((row,)), models):
        if finding.rule == "zero_price":
            yield finding._replace(severity="error")
        elif finding.rule != "source_missing":
            yield finding


def _units(
    row: PriceRow, changes: Iterable[tuple[str, Decimal | None, Decimal]]
) -> Iterator[Finding]:
    for meter, known, listed in changes:
        if known and listed and not 1 / UNIT_MISTAKE < listed / known < UNIT_MISTAKE:
            message = f"{meter} went from {known:f} to {listed:f}: per thousand, or per token?"
            yield Finding("error", "unit", row.id, message)


def _jumps(
    row: PriceRow, changes: Iterable[tuple[str, Decimal | None, Decimal]]
) -> Iterator[Finding]:
    for meter, known, listed in changes:
        if known and listed and (listed > known * _JUMP or listed * _JUMP < known):
            message = f"{meter} went from {known:f} to {listed:f}: more than twice or half"
            yield _warning("jump", row, message)


def _rounded(
    row: PriceRow, changes: Iterable[tuple[str, Decimal | None, Decimal]]
) -> Iterator[Finding]:
    for meter, known, listed in changes:
        if known and any(known.quantize(step, ROUND_HALF_UP) == listed for step in _DISPLAYED):
            yield _warning("rounded", row, f"{meter} {listed:f} is {known:f} as it is displayed")


def _disagreements(row: PriceRow, price: Listed, beside: Iterable[Listed]) -> Iterator[Finding]:
    for other in beside:
        if other.source == price.source:
            continue
        for meter, listed in price.usd_per_million.items():
            told = other.usd_per_million.get(meter)
            if told is not None and abs(told - listed) > max(told, listed) * _DISAGREE:
                here, there = listed.normalize(), told.normalize()
                message = f"{meter} is {here:f} here and {there:f} in {other.source}"
                yield _warning("sources_disagree", row, message)


def _hours(row: PriceRow, book: PriceBook, price: Listed) -> Iterator[Finding]:
    """Find one price for all hours where the book knows several."""
    banded = any(
        known.band is not None and known.superseded_at_ns is None and known.tier == price.tier
        for known in book.rows_of(price.seller, price.model)
    )
    if banded and price.flat:
        yield _warning("flat", row, "it is one price for all hours, where the book has a band")


def _warning(rule: str, row: PriceRow, message: str) -> Finding:
    severity: Severity = "warning"
    return Finding(severity, rule, row.id, message)


def unlisted(book: PriceBook, listed: Iterable[Listed], on: date) -> tuple[tuple[str, str], ...]:
    """Return the (seller, model) pairs that the book prices on a day and no list names."""
    told = {(price.seller, book.priced_as(price.seller, price.model)) for price in listed}
    at_ns = instant_of(on)
    return tuple(
        pair
        for pair in book.models()
        if pair not in told
        and pair[0] in {seller for seller, _model in told}
        and book.rate_card(*pair, Terms(), at_ns) is not None
    )
