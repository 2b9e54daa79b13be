"""What a change of prices would have cost on calls that were made: two rated books, compared."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import NamedTuple, TypeVar

from headgate.catalog.aliases import DatedAlias
from headgate.catalog.charges import Fee
from headgate.catalog.contracts import Contract
from headgate.catalog.exchange import ExchangeRate
from headgate.catalog.prices import PriceBook
from headgate.catalog.rows import PriceRow
from headgate.catalog.spans import Span
from headgate.catalog.surcharges import Surcharge
from headgate.economics.prices.bulk import Way, batch_of, rate_batch
from headgate.units.money import round_half_up
from headgate.units.usage import Usage

_STEP = 1_000
Agreed = TypeVar("Agreed", Contract, Surcharge, Fee, ExchangeRate, DatedAlias)


class Past(NamedTuple):
    """A call that was made, as far as a price needs it.

    Attributes:
        team: Who is told what it would have cost: the team, or the seat of an imported log.
        posted_nanos: What it was posted at.
    """

    way: Way
    at_ns: int
    usage: Usage
    team: str
    posted_nanos: int


@dataclass(slots=True)
class Sums:
    """What the calls of one model and team cost, by the book as it is and as changed.

    Attributes:
        calls: Those that both books price.
        unrated: Those that one of them does not.
        posted_nanos: What the rated ones were posted at.
    """

    model: str
    team: str
    calls: int = 0
    unrated: int = 0
    posted_nanos: int = 0
    before_nanos: int = 0
    after_nanos: int = 0

    @property
    def difference_nanos(self) -> int:
        """What the change adds, negative when it saves."""
        return self.after_nanos - self.before_nanos

    def add(self, other: "Sums") -> None:
        """Add other sums to these."""
        self.calls += other.calls
        self.unrated += other.unrated
        self.posted_nanos += other.posted_nanos
        self.before_nanos += other.before_nanos
        self.after_nanos += other.after_nanos


def impact(before: PriceBook, after: PriceBook, past: Iterable[Past]) -> tuple[Sums, ...]:
    """Return the sums per model and team, the largest difference first."""
    calls = tuple(past)
    batch = batch_of((call.way, call.at_ns, call.usage) for call in calls)
    old, new = rate_batch(before, batch), rate_batch(after, batch)
    both = (old.priced & new.priced).tolist()
    amounts = zip(old.amounts_nanos.tolist(), new.amounts_nanos.tolist(), strict=True)
    found: dict[tuple[str, str], Sums] = {}
    for call, rated, (old_nanos, new_nanos) in zip(calls, both, amounts, strict=True):
        model = f"{call.way[0]}/{call.way[1]}"
        sums = found.setdefault((model, call.team), Sums(model, call.team))
        if not rated:
            sums.unrated += 1
            continue
        sums.calls += 1
        sums.posted_nanos += call.posted_nanos
        sums.before_nanos += old_nanos
        sums.after_nanos += new_nanos
    return tuple(sorted(found.values(), key=_order))


def _order(sums: Sums) -> tuple[int, str, str]:
    return -abs(sums.difference_nanos), sums.model, sums.team


def as_if(before: PriceBook, changed: PriceBook, since_ns: int) -> PriceBook:
    """Return the changed book with all that is new in it in force since an instant.

    Whatever dates the change has, it is asked what it would have cost; of several new rows of one
    key the last counts. What it replaces is left out.
    """
    known = {row.id for row in before.rows}
    new = {row.key: row for row in changed.rows if row.id not in known}
    rows = [row for row in changed.rows if row.id in known and row.key not in new]
    rows += [replace(row, valid_from_ns=since_ns, valid_to_ns=None) for row in new.values()]
    return replace(
        changed,
        rows=tuple(rows),
        contracts=_since(before.contracts, changed.contracts, since_ns),
        surcharges=_since(before.surcharges, changed.surcharges, since_ns),
        fees=_since(before.fees, changed.fees, since_ns),
        exchange_rates=_since(before.exchange_rates, changed.exchange_rates, since_ns),
        dated_aliases=_since(before.dated_aliases, changed.dated_aliases, since_ns),
    )


def _since(
    known: tuple[Agreed, ...], changed: tuple[Agreed, ...], since_ns: int
) -> tuple[Agreed, ...]:
    return tuple(
        each if each in known else replace(each, span=Span(since_ns, each.span.recorded_at_ns))
        for each in changed
    )


def with_contracts(book: PriceBook, changed: PriceBook) -> PriceBook:
    """Return a book that calls are read by: it knows for whom contracts of either book are."""
    known = {contract.id for contract in book.contracts}
    more = (contract for contract in changed.contracts if contract.id not in known)
    return replace(book, contracts=(*book.contracts, *more))


def scaled(book: PriceBook, factors: Mapping[str, Fraction]) -> PriceBook:
    """Return the book with list prices times a factor.

    They are rounded half up to a thousand femto-dollars (a millionth of a dollar per million
    tokens), so that a surcharge for a region still makes whole femto-dollars of them.

    Args:
        book: The prices.
        factors: By `seller` or `seller/model`; the narrower counts.
    """

    def changed(row: PriceRow) -> PriceRow:
        factor = factors.get(f"{row.seller}/{row.model}", factors.get(row.seller))
        if factor is None:
            return row
        prices = tuple(
            None if price is None else round_half_up(price * factor / _STEP) * _STEP
            for price in row.prices_femto
        )
        return replace(row, prices_femto=prices)

    return replace(book, rows=tuple(changed(row) for row in book.rows))
