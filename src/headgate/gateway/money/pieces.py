"""Calls for images and sound: what is held for them, and what they are posted at.

A model is billed by what it has prices for: tokens, or images, seconds or characters. How many of
those there can be at most the dialect says; what the reply does not report is posted at that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headgate.catalog.rates import RateCard
from headgate.providers.registry import splitter_of
from headgate.records.charge import Settlement
from headgate.units.usage import Usage

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.records.report import Report

BOUNDED: Final = "units_bounded"
"""Why a call is posted at a bound: what it is billed by, its reply does not say."""

BY_THE_PIECE: Final = ("image", "audio_second", "character", "request")
"""Meters that a model may be billed by or not; tokens that are reported always count."""


def worst_nanos(card: RateCard, exchange: Exchange) -> int:
    """Return what an attempt can cost at most, but for what has no bound."""
    demand = exchange.demand
    tokens = exchange.output_tokens_max * demand.choices
    nanos = card.worst_nanos(exchange.input_tokens_max, tokens)
    return nanos if demand.pieces is None else nanos + card.units_nanos(demand.pieces.most)


def bound_tokens(exchange: Exchange) -> None:
    """Set the bounds of the attempt's tokens: facts of what was asked, which nothing lowers."""
    demand = exchange.demand
    exchange.input_tokens_max = demand.input_tokens_max or 0
    exchange.output_tokens_max = demand.output_tokens_max or 0


def rate(exchange: Exchange, report: Report, card: RateCard) -> Settlement | None:
    """Return what a whole reply comes to; None when it says nothing that can be billed.

    Args:
        exchange: The call.
        report: What its reply said.
        card: The prices of the model that served it.

    Raises:
        UnpricedMeterError: Tokens were used that have no price.
        UsageError: The usage cannot be read, or contradicts itself.
    """
    pieces = exchange.demand.pieces
    assert pieces is not None, exchange.call
    usage, units = Usage(), dict(report.units)
    told = report.usage_json is not None
    if report.usage_json is not None:
        split = splitter_of(exchange.target.kind)
        usage, counted = split(exchange.spoken.KIND, report.usage_json)
        units |= counted
    bounded = False
    for meter, most in pieces.most.items():
        if card.sells(meter) and meter not in units:
            units[meter] = most
            bounded = bounded or meter not in pieces.exact
    sold = {m: n for m, n in units.items() if m not in BY_THE_PIECE or card.sells(m)}
    if not sold and not (told and any(usage)):
        return None
    charge = card.rate_with(usage, sold)
    if bounded:
        amount = min(charge.amount_nanos, exchange.hold_nanos)
        return Settlement(amount, "estimated", reason=BOUNDED)
    return Settlement(charge.amount_nanos, "measured", charge, usage)
