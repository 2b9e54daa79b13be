"""What came of comparing a model's day with a provider's report, as it is kept and told."""

from msgspec import Struct


class Cell(Struct, frozen=True):
    """A provider's model on a day; see `reconcile.cells` for the reasons.

    Attributes:
        model: As the price book names it; "" for money that a report gives without one.
        day: ISO date.
        told_nanos: None when the provider's usage has no price and there is no bill.
        told_calls: None when the report does not count calls.
        checked_ns: When it was compared.
    """

    provider: str
    model: str
    day: str
    reason: str
    booked_nanos: int
    told_nanos: int | None
    calls: int
    told_calls: int | None
    checked_ns: int

    @property
    def difference_nanos(self) -> int:
        """What the provider says beyond the books; 0 where it says no amount."""
        return 0 if self.told_nanos is None else self.told_nanos - self.booked_nanos
