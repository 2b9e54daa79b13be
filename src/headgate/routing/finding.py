"""Who may serve a call, at what price and with which prospects, and by which rules others may not.

Nothing here is learned: what is measured or estimated only fills ceilings that a route sets.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

from headgate.capacity.health import BREAKER_OPEN, Health
from headgate.catalog.settings import Deployment
from headgate.records.demand import Demand
from headgate.routing.candidate import OUTPUT_TOKENS_EXPECTED, Estimated, Quoted
from headgate.routing.eligibility import (
    Carried,
    Speech,
    beyond,
    cannot,
    crowded,
    exclusion,
    lacks_something,
    wanted,
)
from headgate.routing.given import BYTES_PER_TOKEN, Appraiser, Given, Quote
from headgate.routing.policies.registry import Chosen
from headgate.routing.settings import Route

ANY_BYTES: Final = 1 << 62
NO_ESTIMATES: Final[Mapping[str, Estimated]] = MappingProxyType({})


class Alias(NamedTuple):
    """What a name stands for; a deployment's own id stands for it alone.

    Attributes:
        plain_bytes: Calls whose bodies are no longer are decided by prices, weights and places
            alone; -1 where none are.
    """

    route: Route
    deployments: tuple[Deployment, ...]
    chosen: Chosen
    plain_bytes: int = ANY_BYTES

    def rooms(self, tokens: int) -> int:
        """Return in how many deployments' contexts so much fits."""
        return sum(tokens <= each.context_tokens for each in self.deployments)


def plain_bytes(one: Chosen, deployments: Sequence[Deployment]) -> int:
    """Return up to which size of a body nothing matters but prices, weights and places.

    A longer one may not fit into the contexts of all deployments; -1 when no size is so short.
    """
    if one.needs or one.arms or lacks_something(deployments):
        return -1
    contexts = {each.context_tokens for each in deployments}
    if len(contexts) < 2:
        return ANY_BYTES
    return max(0, min(contexts) - OUTPUT_TOKENS_EXPECTED) * BYTES_PER_TOKEN


def expected_output(demand: Demand) -> int:
    """Return how many tokens an answer is expected to have where nothing was learned of it."""
    limit = demand.output_tokens_max
    return OUTPUT_TOKENS_EXPECTED if limit is None else min(limit, OUTPUT_TOKENS_EXPECTED)


class Call(NamedTuple):
    """One call, as far as it decides."""

    demand: Demand
    dialect: str
    tokens_in: int
    tokens_out: int
    given: Given
    now_ns: int


class Found(NamedTuple):
    """The candidates of a call.

    Attributes:
        broken: Those whose breaker is open.
        excluded: The others that may not serve it, each with its rule.
    """

    well: list[Quoted]
    broken: list[Quoted]
    excluded: list[tuple[str, str]]


def _carried(alias: Alias, call: Call) -> Carried | None:
    """Return what a call carries; None where nobody is passed over for it.

    Who names one deployment alone gets that one: its provider knows best what it takes.
    """
    if len(alias.deployments) < 2:
        return None
    # What is no text counts as bytes here, so as far more than it is.
    tokens = 0 if call.demand.images else call.tokens_in + call.tokens_out
    most = max(each.context_tokens for each in alias.deployments)
    return Carried(wanted(call.demand), tokens, most)


class Finder:
    """Finds the candidates of calls.

    Attributes:
        health: How deployments are doing, by id; whoever is not there is well.
        appraiser: Says what else is expected of them; None when nobody asks.
    """

    def __init__(self, speech: Speech, quote: Quote) -> None:
        self._speech = speech
        self._quote = quote
        self._spoken: dict[tuple[str, str], tuple[bool, str | None]] = {}
        self.health: Mapping[str, Health] = {}
        self.appraiser: Appraiser | None = None

    def find(self, alias: Alias, call: Call) -> Found:
        """Return who may serve a call, and by which rules the others may not."""
        found = Found([], [], [])
        route = alias.route
        estimates = self._estimates(alias, call)
        carried = _carried(alias, call)
        for position, deployment in enumerate(alias.deployments):
            rule = self._excluded(deployment, call, carried)
            if rule is not None and rule != BREAKER_OPEN:
                found.excluded.append((deployment.id, rule))
                continue
            one = self._quoted(alias, position, call, estimates.get(deployment.id))
            ceiling = beyond(one, route)
            if ceiling is not None:
                found.excluded.append((deployment.id, ceiling))
            elif rule is None:
                found.well.append(one)
            else:
                found.broken.append(one)
        if route.provider_shares and self.appraiser is not None:
            shares = self.appraiser.shares(route.alias, call.now_ns)
            over = crowded((*found.well, *found.broken), route.provider_shares, shares)
            well, broken = without(found.well, over), without(found.broken, over)
            return Found([*well], [*broken], [*found.excluded, *over.items()])
        return found

    def _excluded(self, deployment: Deployment, call: Call, carried: Carried | None) -> str | None:
        given = call.given
        is_native, via = self._speak(deployment.id, call.dialect)
        rule = exclusion(deployment, call.demand, is_native=is_native, via=via, bound=given.bound)
        if rule is None and carried is not None:
            rule = cannot(deployment, carried)
        if rule is None and given.required.requirements:
            rule = given.required.violation(deployment, call.now_ns)
        return rule or self._unwell(deployment.id, call.now_ns)

    def _speak(self, deployment: str, dialect: str) -> tuple[bool, str | None]:
        """Return whether a deployment speaks a dialect, and else to which one calls are said."""
        known = self._spoken.get((deployment, dialect))
        if known is None:
            speech = self._speech
            known = speech.is_native(deployment, dialect), speech.via(deployment, dialect)
            self._spoken[deployment, dialect] = known
        return known

    def _quoted(
        self, alias: Alias, position: int, call: Call, estimate: Estimated | None
    ) -> Quoted:
        deployment = alias.deployments[position]
        likely, limit = call.tokens_out, call.demand.output_tokens_max
        if estimate is not None and estimate.output_tokens:
            likely = estimate.output_tokens
            likely = likely if limit is None else min(limit, likely)
        terms = call.demand.terms
        return Quoted(
            deployment,
            self._quote(deployment, terms, call.tokens_in, likely, call.now_ns),
            position,
            alias.route.weights.get(deployment.id, 1),
            self._speak(deployment.id, call.dialect)[1],
            call.given.warm.get(deployment.id, 0),
            estimate,
        )

    def _estimates(self, alias: Alias, call: Call) -> Mapping[str, Estimated]:
        if not (alias.chosen.needs or alias.route.measures) or self.appraiser is None:
            return NO_ESTIMATES
        text = call.given.text
        return self.appraiser.appraise(call.demand.model, text, alias.deployments, call.now_ns)

    def _unwell(self, deployment: str, now_ns: int) -> str | None:
        health = self.health.get(deployment)
        return None if health is None else health.rule(now_ns)


def without(ranked: Sequence[Quoted], away: Collection[str]) -> tuple[Quoted, ...]:
    """Return a ranking without some deployments."""
    return tuple(one for one in ranked if one.deployment.id not in away)
