"""Cheap hours: when a call would cost less than now, as far as the price book knows; pure."""

from collections.abc import Callable
from typing import NamedTuple

from headgate.catalog.rates import RateCard

CHANGES_MAX = 64
"""So many changes of the price are looked at: a band changes it a few times a day."""


class Cheaper(NamedTuple):
    """When a call costs less, how much, and how much less than now."""

    at_ns: int
    nanos: int
    saved_nanos: int


def cheaper_hour(
    card_at: Callable[[int], RateCard | None],
    input_tokens: int,
    output_tokens: int,
    *,
    now_ns: int,
    until_ns: int,
) -> Cheaper | None:
    """Return the first instant at which a call costs least, None when that is now.

    Args:
        card_at: Returns the prices at an instant, None when there are none.
        input_tokens: What the call is expected to have.
        output_tokens: What it is expected to make.
        now_ns: The present.
        until_ns: The last instant that will do.
    """
    card = card_at(now_ns)
    if card is None:
        return None
    now_nanos = least_nanos = card.expected_nanos(input_tokens, output_tokens)
    least_ns = now_ns
    for _ in range(CHANGES_MAX):
        at_ns = card.valid_until_ns
        later = card_at(at_ns) if at_ns <= until_ns else None
        if later is None:
            break
        nanos = later.expected_nanos(input_tokens, output_tokens)
        if nanos < least_nanos:
            least_nanos, least_ns = nanos, at_ns
        card = later
    if least_ns == now_ns:
        return None
    return Cheaper(least_ns, least_nanos, now_nanos - least_nanos)
