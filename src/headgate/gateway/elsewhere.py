"""Elsewhere: what a call that found no place could ask for instead, and at what price."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.world import World

LOOKED_AT_MAX: Final = 64
"""So many deployments are looked at; a refusal must stay cheap where many are refused."""


class Offer(NamedTuple):
    """A name to ask for, who would serve it now, and what that is expected to cost."""

    alias: str
    deployment: str
    nanos: int


def offer(world: World, exchange: Exchange) -> Offer | None:
    """Return the cheapest way to be served now, None when none is known.

    Considered are the routes that list the full deployment as well, as far as the key may ask for
    them and their other deployments are well, have a free place, speak the call's dialect and are
    allowed to see it.
    """
    credential, full = exchange.request.credential, exchange.target.deployment
    assert credential is not None
    router, left, found = world.router, LOOKED_AT_MAX, []
    for alias in router.names:
        if alias == exchange.asked or not credential.may_use(alias):
            continue
        deployments = router.candidates(alias)
        if full not in deployments:
            continue
        for each in deployments[:left]:
            nanos = _price(world, exchange, each.id)
            if nanos is not None:
                found.append(Offer(alias, each.id, nanos))
        left -= len(deployments)
        if left <= 0:
            break
    return min(found, key=lambda each: each.nanos, default=None)


def _price(world: World, exchange: Exchange, name: str) -> int | None:
    """Return what a call is expected to cost at a deployment now; None if it could not go there."""
    target, now_ns = world.targets[name], world.now_ns()
    places, record = target.places, exchange.decision.record
    if places.taken >= places.limit or places.waiting:
        return None
    if target.health.rule(now_ns) is not None:
        return None
    if exchange.dialect.KIND not in target.deployment.dialects:
        return None
    if exchange.required.violation(target.deployment, now_ns) is not None:
        return None
    card = target.card(None, exchange.own.terms, now_ns)
    return None if card is None else card.expected_nanos(record.input_tokens, record.output_tokens)
