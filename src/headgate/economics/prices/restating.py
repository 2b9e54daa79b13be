"""Charges rated again: what differs by the prices as they are known now, as signed corrections."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from headgate.catalog.prices import PriceBook
from headgate.economics.prices.bulk import Way, batch_of, rate_batch
from headgate.records.adjustment import SOURCE_MAX, Adjustment
from headgate.units.usage import Usage

RESTATED = "restated"


class Restatement(NamedTuple):
    """An attempt that costs something else by the prices as they are known now.

    Attributes:
        net_nanos: What it is posted at, with its corrections.
        rated_nanos: What it costs.
        number: How many corrections it has had.
        was: What its charge lines name.
        rows: What they would name.
    """

    attempt: str
    model: str
    team: str
    net_nanos: int
    rated_nanos: int
    number: int
    was: tuple[str, ...]
    rows: tuple[str, ...]

    @property
    def difference_nanos(self) -> int:
        """What is added to it."""
        return self.rated_nanos - self.net_nanos

    def adjustment(self) -> Adjustment:
        """Return it as the correction that is asked for.

        Its id counts the corrections the attempt has had, so that a request that is repeated is the
        same correction, and a price that comes back is another.
        """
        source = f"{' '.join(self.rows)} instead of {' '.join(self.was)}"
        return Adjustment(
            id=f"{RESTATED}/{self.attempt}/{self.number + 1}",
            amount_nanos=self.difference_nanos,
            reason=RESTATED,
            source=source[:SOURCE_MAX],
            attempt=self.attempt,
        )


class Posted(NamedTuple):
    """An attempt as it is posted; see `load_past.Charged`."""

    attempt: str
    way: Way
    at_ns: int
    usage: Usage
    team: str
    net_nanos: int
    number: int
    rows: tuple[str, ...]


def restatements(book: PriceBook, posted: Sequence[Posted]) -> tuple[list[Restatement], int]:
    """Return what differs, in order, and how many have no price now and stay as they are."""
    rated = rate_batch(book, batch_of((each.way, each.at_ns, each.usage) for each in posted))
    found: list[Restatement] = []
    results = zip(posted, rated.amounts_nanos.tolist(), rated.priced.tolist(), strict=True)
    for each, amount, priced in results:
        if priced and amount != each.net_nanos:
            found.append(
                Restatement(
                    attempt=each.attempt,
                    model=f"{each.way[0]}/{each.way[1]}",
                    team=each.team,
                    net_nanos=each.net_nanos,
                    rated_nanos=amount,
                    number=each.number,
                    was=each.rows,
                    rows=_rows(book, each),
                )
            )
    return found, sum(not priced for priced in rated.priced.tolist())


def _rows(book: PriceBook, posted: Posted) -> tuple[str, ...]:
    card = book.rate_card(*posted.way, posted.at_ns)
    assert card is not None, "it was rated"
    return card.amount(posted.usage)[1]


def total_nanos(found: Iterable[Restatement]) -> int:
    """Return the sum of the differences."""
    return sum(each.difference_nanos for each in found)
