"""Deferral: batch calls that may wait are sent back until the hours in which they cost less.

Nothing is kept of a call that is put off, and no money is held for it: the client sends it again.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Final

from headgate.catalog.cheap import Cheaper, cheaper_hour
from headgate.catalog.prices import PriceBook
from headgate.records.priority import BATCH
from headgate.units import errors
from headgate.units.errors import Refusal
from headgate.units.instants import NANOS_PER_SECOND, from_datetime, to_iso
from headgate.units.money import format_usd

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.upstream.target import Target

HORIZON_NS: Final = 24 * 3_600 * NANOS_PER_SECOND
"""How far ahead a call without a deadline is put off."""
MARGIN_NS: Final = 60 * NANOS_PER_SECOND
"""A call is put off to no instant closer to its deadline than this."""
DEADLINE_BYTES_MAX: Final = 64


def read_deadline(value: bytes, now_ns: int) -> int | Refusal:
    """Return the instant a deadline header names, which must be to come."""
    told = value[:DEADLINE_BYTES_MAX].decode("latin-1")
    try:
        at_ns = from_datetime(datetime.fromisoformat(told))
    except (ValueError, OverflowError):
        message = f"{told!r} is no instant; write one as 2026-11-26T18:00:00Z."
        return Refusal(errors.DEADLINE_INVALID, message, "x-headgate-deadline")
    if at_ns <= now_ns:
        message = f"The deadline {told} is past."
        return Refusal(errors.DEADLINE_INVALID, message, "x-headgate-deadline")
    return at_ns


class Deferral:
    """Which calls are put off, and until when.

    Args:
        book: What calls cost, and when.
        aliases: Those whose batch calls are put off without being asked to.
    """

    def __init__(self, book: PriceBook, aliases: Collection[str]) -> None:
        self._book = book
        self._aliases = frozenset(aliases)

    def put_off(self, exchange: Exchange, target: Target, now_ns: int) -> Refusal | None:
        """Tell a call that would go to `target` now when to come instead; None to serve it."""
        deadline_ns = exchange.turn.deadline_ns
        if exchange.turn.rank != BATCH or exchange.demand.free:
            return None
        if deadline_ns is None and exchange.asked not in self._aliases:
            return None
        until_ns = now_ns + HORIZON_NS if deadline_ns is None else deadline_ns - MARGIN_NS
        found = self._cheaper(exchange, target, now_ns, until_ns)
        return None if found is None else _refusal(found, now_ns)

    def _cheaper(
        self, exchange: Exchange, target: Target, now_ns: int, until_ns: int
    ) -> Cheaper | None:
        deployment, decision = target.deployment, exchange.decision.record
        terms = target.own_terms(exchange.demand.terms)
        return cheaper_hour(
            lambda at_ns: self._book.rate_card(
                deployment.seller, deployment.priced_as, terms, at_ns
            ),
            decision.input_tokens,
            decision.output_tokens,
            now_ns=now_ns,
            until_ns=until_ns,
        )


def _refusal(found: Cheaper, now_ns: int) -> Refusal:
    seconds = max(1, -(-(found.at_ns - now_ns) // NANOS_PER_SECOND))
    saved = format_usd(found.saved_nanos)
    message = (
        f"This batch call is put off to {to_iso(found.at_ns)}, when it is expected to cost"
        f" ${format_usd(found.nanos)}: ${saved} less than now. Send it again then."
    )
    headers = ((b"x-headgate-saves-usd", saved.encode()),)
    return Refusal(errors.DEFERRED, message, None, seconds, headers)
