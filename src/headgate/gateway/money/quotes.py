"""Quotes: the most that an attempt can cost at its target now, which is what is held for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headgate.gateway.entry import steer
from headgate.gateway.money import pieces
from headgate.gateway.money.prefixes import BODY_BYTES_MIN, whose
from headgate.records.demand import STANDARD, Terms
from headgate.units import errors
from headgate.units.errors import Refusal

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.pipeline import Pipeline


def quote(pipeline: Pipeline, exchange: Exchange) -> Refusal | None:
    """Set what an attempt that begins now is bounded by, and so what is held for it.

    Returns:
        Why it cannot be quoted though a budget limits it; None when all is well.
    """
    target, demand = exchange.target, exchange.demand
    deployment = target.deployment
    exchange.sent_ns = pipeline.now_ns()
    if exchange.path.varies or exchange.sent_ns >= exchange.path.until_ns:
        refusal = steer(pipeline.world, exchange)
        if refusal is not None:
            return refusal
    exchange.input_tokens_max = _input_bound(pipeline, exchange)
    wanted = demand.output_tokens_max
    wanted = deployment.output_tokens_default if wanted is None else wanted
    exchange.output_tokens_max = min(wanted, deployment.output_tokens_max)
    if demand.pieces is not None:
        pieces.bound_tokens(exchange)
    card = None if demand.free else target.card(None, demand.terms, exchange.sent_ns)
    exchange.card = card
    exchange.hold_nanos = 0
    if card is not None:
        exchange.hold_nanos = pieces.worst_nanos(card, exchange)
        if demand.unbounded is not None:
            exchange.hold_nanos += pipeline.world.caps.nanos_of(exchange)
    elif exchange.path.hard:
        model = f"{deployment.seller}/{deployment.priced_as}"
        message = f"{model} has no price{_asked_for(demand.terms)} now."
        return Refusal(errors.UNPRICED, message, "model")
    return None


def _asked_for(terms: Terms) -> str:
    """Return what a call asks for that not every price is for, as words behind "price"."""
    tier = "" if terms.tier == STANDARD.tier else f" in tier {terms.tier!r}"
    return tier if terms.region == STANDARD.region else f"{tier} in region {terms.region!r}"


def _input_bound(pipeline: Pipeline, exchange: Exchange) -> int:
    demand, body = exchange.demand, exchange.outgoing
    context = exchange.target.deployment.context_tokens
    bound = demand.input_tokens_max
    exchange.whose = 0
    if bound is None:
        return context
    prompt = exchange.prompt
    if prompt is not None and len(body) >= BODY_BYTES_MIN:
        credential, deployment = exchange.request.credential, exchange.target.deployment
        assert credential is not None
        exchange.whose = whose(credential.principal, deployment.id, exchange.own.members)
        # Of a translated call the client's bytes: what a translation leaves out of the blocks that
        # were measured makes no room for what is new.
        size = max(len(body), len(exchange.body))
        measured = None
        if exchange.whose:
            measured = pipeline.prefixes.bound(exchange.whose, prompt, size)
        if measured is not None:
            # What the dialect adds to the bytes (hidden templates, images) stays on top.
            bound = min(bound, measured + bound - len(body))
    # What generates nothing has a window for each of its texts, and any number of them.
    return bound if demand.output_tokens_max == 0 else min(bound, context)
