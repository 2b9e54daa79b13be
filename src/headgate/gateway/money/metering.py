"""Step 8, meter: from what a reply says to what is posted; pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from headgate.catalog.rates import UnpricedMeterError
from headgate.gateway.money import pieces
from headgate.gateway.money.unbounded import with_cap
from headgate.records.charge import REPORTED, Charge, ChargeLine, Settlement
from headgate.records.report import Metered, Report
from headgate.units.usage import Usage, UsageError

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange

FEMTO_PER_NANO: Final = 1_000_000

ABSURD: Final = 100
"""A cost so many times the hold is no overage: the hold is the worst case of what was asked."""
QUARANTINED_BYTES: Final = 512
"""What is kept of a usage that cannot be right; the room of an attempt's end is reserved."""


def meter(exchange: Exchange, report: Report) -> Settlement:
    """Return what a whole reply is posted at.

    Its usage at the prices of the served model, or what the provider says it charged where that
    is configured; at the bound when either is absent, contradicts itself, or has no price. Absent
    is not zero.
    """
    if exchange.demand.free:
        return Settlement(0, "measured")
    if exchange.demand.pieces is not None:
        return _by_pieces(exchange, report)
    try:
        metered = exchange.target.kind.metered(report, exchange.demand.terms)
    except UsageError:
        return _quarantined(exchange, report, "usage_unreadable")
    if exchange.target.pool.provider.prices == "reported":
        return _reported(exchange, report, metered)
    settlement = _rated(exchange, report, metered)
    if exchange.demand.unbounded is not None:
        settlement = with_cap(exchange, settlement)
    if metered.reported_nanos is None:
        return settlement
    return replace(settlement, reported_nanos=metered.reported_nanos)


def _by_pieces(exchange: Exchange, report: Report) -> Settlement:
    """Return what a call for images or sound is posted at."""
    card = exchange.target.card(report.served_model, exchange.demand.terms, exchange.sent_ns)
    if card is None:
        return bound_settlement(exchange, Report(), "unpriced")
    try:
        settlement = pieces.rate(exchange, report, card)
    except UsageError:
        return _quarantined(exchange, report, "usage_unreadable")
    except UnpricedMeterError as error:
        return bound_settlement(exchange, Report(), f"unpriced: {error.meter}")
    if settlement is None:
        return _quarantined(exchange, report, "usage_unreadable")
    if settlement.amount_nanos > ABSURD * exchange.hold_nanos > 0:
        return _quarantined(exchange, report, "usage_absurd")
    return settlement if exchange.demand.unbounded is None else with_cap(exchange, settlement)


def _reported(exchange: Exchange, report: Report, metered: Metered) -> Settlement:
    """Return what the provider says it charged; what was held when it does not say."""
    nanos = metered.reported_nanos
    if nanos is None:
        return bound_settlement(exchange, Report(), "cost_unreported", metered.usage)
    if nanos > ABSURD * exchange.hold_nanos > 0:
        return _quarantined(exchange, report, "usage_absurd")
    lines = (ChargeLine(REPORTED, nanos, FEMTO_PER_NANO, nanos, REPORTED),) if nanos else ()
    charge = Charge(nanos, lines)
    return Settlement(nanos, "measured", charge, metered.usage, reported_nanos=nanos)


def _rated(exchange: Exchange, report: Report, metered: Metered) -> Settlement:
    card = exchange.target.card(report.served_model, metered.terms, exchange.sent_ns)
    if card is None:
        return bound_settlement(exchange, Report(), "unpriced", metered.usage)
    try:
        charge = card.rate(metered.usage)
    except UnpricedMeterError as error:
        return bound_settlement(exchange, Report(), f"unpriced: {error.meter}", metered.usage)
    if charge.amount_nanos > ABSURD * exchange.hold_nanos > 0:
        return _quarantined(exchange, report, "usage_absurd")
    return Settlement(charge.amount_nanos, "measured", charge, metered.usage)


def _quarantined(exchange: Exchange, report: Report, reason: str) -> Settlement:
    """Return the bound, beside what the reply gave as its usage: a person has to look at that."""
    settlement = bound_settlement(exchange, Report(), reason)
    if report.usage_json is None:
        return settlement
    raw = report.usage_json[:QUARANTINED_BYTES].decode("utf-8", "replace")
    return replace(settlement, quarantined=raw)


def bound_settlement(
    exchange: Exchange,
    report: Report,
    reason: str,
    usage: Usage | None = None,
    *,
    output_tokens_max: int | None = None,
) -> Settlement:
    """Return the best bound known of an attempt whose usage is not known.

    That is the hold. Where the reply's head told the prompt's exact usage (Anthropic's does),
    it is that prompt plus the most output there can be, which is less.

    Args:
        exchange: The call.
        report: What the reply said.
        reason: Why its usage is not known.
        usage: What is known of it all the same.
        output_tokens_max: A bound of the output; None for the limit that was sent.
    """
    if exchange.demand.free:
        return Settlement(0, "measured", reason=reason)
    if exchange.card is None:
        return Settlement(0, "unknown", usage=usage, reason=reason)
    amount = exchange.hold_nanos
    if output_tokens_max is None:
        output_tokens_max = exchange.output_tokens_max * exchange.demand.choices
    else:
        bound = exchange.card.worst_nanos(exchange.input_tokens_max, output_tokens_max)
        amount = min(amount, bound)
    plain = exchange.demand.unbounded is None and exchange.demand.pieces is None
    if report.usage_json is not None and plain:
        amount = min(amount, _head_bound(exchange, report, output_tokens_max))
    return Settlement(amount, "estimated", usage=usage, reason=reason)


def _head_bound(exchange: Exchange, report: Report, output_tokens_max: int) -> int:
    try:
        metered = exchange.target.kind.metered(report, exchange.demand.terms)
    except UsageError:
        return exchange.hold_nanos
    card = exchange.target.card(report.served_model, metered.terms, exchange.sent_ns)
    if card is None:
        return exchange.hold_nanos
    whole = metered.usage._replace(
        output_text=output_tokens_max, output_reasoning=0, output_audio=0
    )
    try:
        return card.rate(whole).amount_nanos
    except UnpricedMeterError:
        return exchange.hold_nanos
