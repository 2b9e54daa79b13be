"""Rates records by the hundred thousand, to the same nano-dollar as a card rates one.

A product of a count and a price in femto-dollars does not fit into 64 bits, so the price is split
into whole nano-dollars and the rest below one. The whole part of the product is exact then, and the
rest is rounded as a charge line is:

    (q*p + 500000) // 10^6 = q*(p // 10^6) + (q*(p % 10^6) + 500000) // 10^6

What is larger than these bounds goes to the card itself, record by record.

Prices are by meter, so quantities are best kept column by column in memory, and what nobody used is
not read at all.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from headgate.catalog.prices import PriceBook
from headgate.catalog.rates import Rate, RateCard, UnpricedMeterError
from headgate.records.demand import Terms
from headgate.units.money import FEMTO_PER_NANO, HALF_FEMTO
from headgate.units.usage import INPUT_METERS, METERS, QUANTITY_MAX, Usage

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]
Way = tuple[str, str, Terms]
"""Seller, served model and terms."""

_UNIT_NANOS_MAX = 100_000_000
"""A unit of at most this keeps ten products with `QUANTITY_MAX`, and their sum, inside 64 bits."""


class Batch(NamedTuple):
    """Records to rate, as columns of one length.

    Attributes:
        ways: What `way` counts in.
        way: Of each record, which of `ways` it was served by.
        at_ns: The instant that decides its price.
        usage: Its quantities, in the order of `METERS`.
    """

    ways: tuple[Way, ...]
    way: Integers
    at_ns: Integers
    usage: Integers


class Rated(NamedTuple):
    """What the records of a batch cost.

    Attributes:
        amounts_nanos: 0 for what is unpriced.
        priced: Whether the book has a price for all that a record used.
    """

    amounts_nanos: Integers
    priced: Flags


def batch_of(records: Iterable[tuple[Way, int, Usage]]) -> Batch:
    """Return records as a batch, in their order."""
    numbers: dict[Way, int] = {}
    way: list[int] = []
    at_ns: list[int] = []
    usage: list[Usage] = []
    for one, instant, quantities in records:
        way.append(numbers.setdefault(one, len(numbers)))
        at_ns.append(instant)
        usage.append(quantities)
    return Batch(
        tuple(numbers),
        np.array(way, np.int64),
        np.array(at_ns, np.int64),
        np.array(usage, np.int64).reshape(len(usage), len(METERS)),
    )


def rate_batch(book: PriceBook, batch: Batch, known_at_ns: int | None = None) -> Rated:
    """Return what each record of a batch costs: what `RateCard.rate` says, as one sum.

    Args:
        book: The prices.
        batch: The records.
        known_at_ns: Leave out what was not known then; None means all that stands now.
    """
    amounts = np.zeros(len(batch.way), np.int64)
    priced = np.zeros(len(batch.way), np.bool_)
    used = _used(batch.usage)
    for card, place in _slices(book, batch, known_at_ns):
        amounts[place], priced[place] = _rate(card, batch.usage, used, place)
    return Rated(amounts, priced)


def some(usage: Integers, place: Integers) -> Integers:
    """Return the quantities of some records, column by column in memory."""
    found = np.zeros((len(METERS), len(place)), np.int64)
    for meter in _used(usage):
        np.take(usage[:, meter], place, out=found[meter])
    return found.T


def _used(usage: Integers) -> list[int]:
    """Return the columns in which there is anything."""
    return [meter for meter in range(usage.shape[1]) if usage[:, meter].any()]


def _slices(
    book: PriceBook, batch: Batch, known_at_ns: int | None
) -> Iterator[tuple[RateCard, Integers]]:
    """Yield each card with the places of the records that it prices."""
    # Numbers of 16 bits are sorted by radix, several times as fast; there are seldom more ways.
    narrow = np.uint16 if len(batch.ways) <= np.iinfo(np.uint16).max else np.int64
    by_way = np.argsort(batch.way.astype(narrow), kind="stable")
    edges = np.searchsorted(batch.way[by_way], np.arange(len(batch.ways) + 1)).tolist()
    for way, first, last in zip(batch.ways, edges[:-1], edges[1:], strict=True):
        if first < last:
            yield from _cards(book, way, batch.at_ns, by_way[first:last], known_at_ns)


def _cards(
    book: PriceBook, way: Way, at_ns: Integers, place: Integers, known_at_ns: int | None
) -> Iterator[tuple[RateCard, Integers]]:
    """Yield the cards of one way; its records are put in order of time only for several cards."""
    seller, model, terms = way
    instants = at_ns[place]
    first_ns, last_ns = int(instants.min()), int(instants.max())
    card = book.rate_card(seller, model, terms, first_ns, known_at_ns)
    if card is not None and last_ns < card.valid_until_ns:
        yield card, place
        return
    order = np.argsort(instants, kind="stable")
    instants, place = instants[order], place[order]
    begin, end = 0, len(place)
    while begin < end:
        start_ns = int(instants[begin])
        card = book.rate_card(seller, model, terms, start_ns, known_at_ns)
        if card is None:
            until_ns = book.unpriced_until_ns(seller, model, start_ns)
        else:
            until_ns = card.valid_until_ns
        stop = begin + int(np.searchsorted(instants[begin:], until_ns))
        if card is not None:
            yield card, place[begin:stop]
        begin = stop


def _rate(
    card: RateCard, usage: Integers, used: Sequence[int], place: Integers
) -> tuple[Integers, Flags]:
    """Return what the records in some places cost by one card, and which of them are priced."""
    columns = {meter: usage[:, meter][place] for meter in used}
    largest = _UNIT_NANOS_MAX // (1 + len(card.surcharges))
    dearest = max((price or 0 for rate in card.rates for price in rate.prices_femto), default=0)
    most = max((int(column.max(initial=0)) for column in columns.values()), default=0)
    if dearest // FEMTO_PER_NANO > largest or most > QUANTITY_MAX:
        return _one_by_one(card, usage[place])
    if len(card.rates) == 1:
        amounts, priced = _lines(card.rates[0], columns, len(place))
    else:
        amounts, priced = np.zeros(len(place), np.int64), np.zeros(len(place), np.bool_)
        prompts = np.zeros(len(place), np.int64)
        for meter in columns.keys() & set(range(len(INPUT_METERS))):
            prompts += columns[meter]
        above = np.array([rate.above_tokens for rate in card.rates], np.int64)
        chosen = np.searchsorted(above, prompts) - 1
        for number, rate in enumerate(card.rates):
            at = np.flatnonzero(chosen == number)
            some_ = {meter: column[at] for meter, column in columns.items()}
            amounts[at], priced[at] = _lines(rate, some_, len(at))
    return _with_surcharges(amounts, card), priced


def _lines(rate: Rate, columns: Mapping[int, Integers], many: int) -> tuple[Integers, Flags]:
    """Return the sums of the charge lines by one rate."""
    total = np.zeros(many, np.int64)
    priced = np.ones(many, np.bool_)
    for meter, column in columns.items():
        price = rate.prices_femto[meter]
        if price is None:
            priced &= column == 0
            continue
        nanos, rest = divmod(price, FEMTO_PER_NANO)
        total += column * nanos
        if rest:  # A division is dear, and most prices are whole.
            total += (column * rest + HALF_FEMTO) // FEMTO_PER_NANO
    return np.where(priced, total, 0), priced


def _with_surcharges(amounts: Integers, card: RateCard) -> Integers:
    whole, rest = np.divmod(amounts, FEMTO_PER_NANO)
    total = amounts
    for _row, share in card.surcharges:
        total = total + whole * share + (rest * share + HALF_FEMTO) // FEMTO_PER_NANO
    return total


def _one_by_one(card: RateCard, usage: Integers) -> tuple[Integers, Flags]:
    """Return the same by the card itself.

    Raises:
        OverflowError: An amount does not fit into 64 bits.
    """
    amounts, priced = np.zeros(len(usage), np.int64), np.zeros(len(usage), np.bool_)
    for place, row in enumerate(usage.tolist()):
        try:
            amounts[place], _rows = card.amount(Usage(*row))
        except UnpricedMeterError:
            continue
        priced[place] = True
    return amounts, priced
