"""Two times of one entry: when it holds, and when that was known."""

from typing import NamedTuple

from headgate.catalog.fields import Fields, PriceRowError


class Span(NamedTuple):
    """When an entry of the price book holds, and from when until when that was believed.

    Attributes:
        valid_from_ns: The first instant it holds at.
        recorded_at_ns: From when it was known; may lie before `valid_from_ns` (announced).
        valid_to_ns: The instant it ends at (exclusive), None when no end is known.
        superseded_at_ns: When it was known to be wrong or cancelled, None while it stands.
    """

    valid_from_ns: int
    recorded_at_ns: int
    valid_to_ns: int | None = None
    superseded_at_ns: int | None = None

    def known_at(self, known_at_ns: int | None) -> bool:
        """Tell whether the entry stood at an instant of knowledge; None means now."""
        if known_at_ns is None:
            return self.superseded_at_ns is None
        return self.recorded_at_ns <= known_at_ns and (
            self.superseded_at_ns is None or known_at_ns < self.superseded_at_ns
        )

    def holds(self, at_ns: int, known_at_ns: int | None = None) -> bool:
        """Tell whether the entry is in force at an instant, as known at another."""
        ended = self.valid_to_ns is not None and at_ns >= self.valid_to_ns
        return self.valid_from_ns <= at_ns and not ended and self.known_at(known_at_ns)

    def edges(self) -> tuple[int, ...]:
        """Return the instants at which it begins and ends to hold."""
        ends = () if self.valid_to_ns is None else (self.valid_to_ns,)
        return (self.valid_from_ns, *ends)


EVER = Span(0, 0)
"""Of what has no dates: it always held, and was always known."""


def read_span(fields: Fields, *, must_start: bool = True) -> Span:
    """Return the span of a table: `valid_from`, `valid_to`, `recorded_at`, `superseded_at`.

    What does not say when it became known was known when it began.

    Raises:
        PriceRowError: A date is missing or unusable, or the end does not come after the start.
    """
    start_ns = fields.instant("valid_from", None if must_start else EVER.valid_from_ns)
    if start_ns is None:
        raise PriceRowError("valid_from: give the day from which it holds")
    end_ns = fields.instant("valid_to")
    if end_ns is not None and end_ns <= start_ns:
        raise PriceRowError("valid_to: it must come after valid_from")
    recorded_ns = fields.instant("recorded_at", start_ns)
    assert recorded_ns is not None, "it has a default"
    return Span(start_ns, recorded_ns, end_ns, fields.instant("superseded_at"))
