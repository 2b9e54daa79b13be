"""What calls would use elsewhere or then: other tokens, less cached, what is sold, another day."""

from fractions import Fraction

import numpy as np

from headgate.catalog.prices import PriceBook
from headgate.economics.prices.bulk import Batch, Integers, Rated, rate_batch, some
from headgate.units.instants import NANOS_PER_SECOND
from headgate.units.usage import METERS

DAY_NS = 24 * 3600 * NANOS_PER_SECOND
_AT = {meter: place for place, meter in enumerate(METERS)}
_CACHE_READ, _INPUT, _SEARCH = _AT["cache_read"], _AT["input_uncached"], _AT["web_search"]
_PARTS = 1_000_000
"""Shares and factors are taken to a millionth, so that products with counts fit into 64 bits."""
_INSTEAD = (
    ("cache_write_1h", "cache_write_5m"),
    ("cache_write_24h", "cache_write_5m"),
    ("cache_write_5m", "input_uncached"),
    ("cache_read", "input_uncached"),
)
"""What has no price with a model is the next of these there: fresh input at the end."""


def on_day(at_ns: Integers, on_ns: int | None) -> Integers:
    """Return instants on another day, at the same time of day: some prices have hours."""
    return at_ns if on_ns is None else on_ns + at_ns % DAY_NS


def times(usage: Integers, factor: Fraction) -> Integers:
    """Return counts of tokens times a factor; searches stay as many."""
    if factor == 1:
        return usage
    share = factor.limit_denominator(_PARTS)
    scaled = np.zeros_like(usage)
    for meter, column in enumerate(usage.T):
        if meter == _SEARCH:
            scaled[:, meter] = column
        elif column.any():
            scaled[:, meter] = _parts(column, share)
    return scaled


def _parts(column: Integers, share: Fraction) -> Integers:
    """Return a share of each count, rounded half up."""
    return (column * share.numerator + share.denominator // 2) // share.denominator


def colder(usage: Integers, loss: Fraction) -> Integers:
    """Return quantities with a share of what the cache gave read afresh."""
    share = loss.limit_denominator(_PARTS)
    if not share:
        return usage
    lost = _parts(usage[:, _CACHE_READ], share)
    colder = usage.copy(order="K")
    colder[:, _CACHE_READ] -= lost
    colder[:, _INPUT] += lost
    return colder


def as_sold(book: PriceBook, batch: Batch) -> tuple[Batch, Rated]:
    """Return calls on what a model sells of what they used, and what they cost so."""
    rated = rate_batch(book, batch)
    for meter, instead in _INSTEAD:
        missing = np.flatnonzero(~rated.priced)
        usage = some(batch.usage, missing)
        if not usage[:, _AT[meter]].any():
            continue
        usage[:, _AT[instead]] += usage[:, _AT[meter]]
        usage[:, _AT[meter]] = 0
        again = rate_batch(book, Batch(batch.ways, batch.way[missing], batch.at_ns[missing], usage))
        rated.amounts_nanos[missing], rated.priced[missing] = again
        batch = batch._replace(usage=batch.usage.copy(order="K"))
        for number in (_AT[meter], _AT[instead]):
            batch.usage[missing, number] = usage[:, number]
    return batch, rated
