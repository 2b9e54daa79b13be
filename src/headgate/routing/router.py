"""The router: from the name a client asked for to a plan of attempts and its decision record.

A ranking depends on the alias, the dialect, the terms and the rough size of the call, so it is
kept for a moment and shared by calls that are alike; each new ranking is written to the journal
once, and the calls refer to it by number. A call whose prompt is warm somewhere has its own.
When the health of a deployment changes, all rankings are made anew, so a decision tells whom it
passed over, and by which rule. Deployments that speak the client's dialect come before those that
need a translation: nothing is lost there.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from headgate.capacity.health import BREAKER_OPEN, Health
from headgate.catalog.settings import Deployment
from headgate.governance.requirements import NOTHING, Required
from headgate.records.conversation import Bound
from headgate.records.demand import Demand, Terms
from headgate.records.journal import CandidateRecord, DecisionRecord
from headgate.routing.candidate import Outcome, Plan, Quoted
from headgate.routing.eligibility import Speech, exclusion, outside
from headgate.routing.policies.registry import Policy, Spread, spread_of
from headgate.routing.settings import REGION_ANY, Route

RANKING_KEPT_NS = 5_000_000_000
RANKINGS_MAX = 4_096
BYTES_PER_TOKEN = 4
OUTPUT_TOKENS_EXPECTED = 512

Quote = Callable[[Deployment, Terms, int, int, int], int | None]
"""(deployment, terms, input tokens, output tokens, instant) -> expected nanos, None unpriced."""


NOT_WARM: Mapping[str, int] = MappingProxyType({})

PINNED = "pinned"
"""What decisions are named by whose client asked for a deployment itself."""

POLICY_DEFAULT = "cheapest"
OTHER_REGION = "region"
"""The rule that keeps a call in the region of its first attempt."""


def tokens_of(body_bytes: int) -> int:
    """Return about how many tokens a body's prompt has."""
    return max(1, body_bytes // BYTES_PER_TOKEN)


class Ranking(NamedTuple):
    """Eligible deployments in the policy's order, and the number of the decision.

    Attributes:
        spread: What gives each call an order of its own, None where all share the policy's.
        resort: Those whose breaker is open, in the policy's order: they are tried when nobody
            else is left, for a refusal would be certain.
        excluded: The others, each with its rule.
        record: As it is written down.
        drops: Whether a translation may leave out features that its target lacks.
    """

    number: int
    policy: Policy
    spread: Spread | None
    ranked: tuple[Quoted, ...]
    resort: tuple[Quoted, ...]
    excluded: tuple[tuple[str, str], ...]
    until_ns: int
    record: DecisionRecord
    drops: bool = True

    def plan(self, turn: int) -> Plan:
        """Return the attempts of one call.

        Args:
            turn: The how-manieth call it is, for policies that spread calls.
        """
        ranked = self.ranked
        if self.spread is not None:
            native, foreign = _by_class(ranked)
            spread = [self.spread(each, turn) for each in (native, foreign) if each]
            ranked = tuple(one for each in spread for one in each)
        first = self.policy.plan(ranked)
        return _with_resort(first, self.resort) if self.resort else first


def _with_resort(first: Plan, resort: Sequence[Quoted]) -> Plan:
    """Yield the attempts of a plan; when all of them could be retried, those of the last resort."""
    outcome = Outcome.RETRYABLE
    try:
        quoted = next(first)
        while True:
            outcome = yield quoted
            quoted = first.send(outcome)
    except StopIteration:
        pass
    for quoted in resort:
        if outcome is not Outcome.RETRYABLE:
            return
        outcome = yield quoted


class Given(NamedTuple):
    """What beside its demand says where a call may go, and what it costs there.

    Attributes:
        bound: Where the conversation may go because of what it carries, None for anywhere.
        warm: By deployment, what it saves that the prompt is cached there; those that are not
            named save nothing.
        required: What whoever serves it has to satisfy.
    """

    bound: Bound | None = None
    warm: Mapping[str, int] = NOT_WARM
    required: Required = NOTHING


NOTHING_GIVEN = Given()


class _Alias(NamedTuple):
    """What a name stands for; a deployment's own id stands for it alone."""

    policy: str
    deployments: tuple[Deployment, ...]
    weights: Mapping[str, int]
    regions: tuple[str, ...]
    drops: bool = True


class Router:
    """Ranks candidates; knows routes and deployments, and is told prices by `quote`.

    Args:
        routes: By alias.
        deployments: By id; a client can pin one.
        speech: Which dialects are spoken where.
        quote: Expected cost of a call at a deployment.
        write: Puts a new decision into the journal.
        known: The policies by kind.
    """

    def __init__(
        self,
        routes: Mapping[str, Route],
        deployments: Mapping[str, Deployment],
        speech: Speech,
        quote: Quote,
        write: Callable[[DecisionRecord], None],
        known: Mapping[str, Policy],
    ) -> None:
        self._speech = speech
        self._mixed: dict[tuple[str, str], bool] = {}
        self._quote = quote
        self._write = write
        self._number = 0
        self._kept: dict[tuple[object, ...], Ranking] = {}
        self._policies = known
        self._health: Mapping[str, Health] = {}
        self._aliases: dict[str, _Alias] = {
            name: _Alias(PINNED, (deployment,), {}, (REGION_ANY,))
            for name, deployment in deployments.items()
        }
        for alias, route in routes.items():
            chosen = tuple(deployments[name] for name in route.deployments)
            self._aliases[alias] = _Alias(
                route.policy, chosen, route.weights, route.regions, route.drops
            )
        self.names: tuple[str, ...] = tuple(sorted(self._aliases))

    def watch(self, health: Mapping[str, Health]) -> None:
        """Pass over deployments by how they are doing, by id; whoever is not there is well."""
        self._health = health
        for each in health.values():
            each.on_change = self._kept.clear

    def knows(self, asked: str) -> bool:
        """Tell whether a name is an alias or a deployment."""
        return asked in self._aliases

    def is_mixed(self, asked: str, dialect: str) -> bool:
        """Tell whether some deployments of a name speak a dialect themselves and others do not.

        Only then does it matter what state the conversation carries.
        """
        known = self._mixed.get((asked, dialect))
        if known is None:
            deployments = self._aliases[asked].deployments
            native = {self._speech.is_native(each.id, dialect) for each in deployments}
            known = self._mixed[asked, dialect] = len(native) > 1
        return known

    def rank(
        self,
        demand: Demand,
        *,
        dialect: str,
        body_bytes: int,
        now_ns: int,
        given: Given = NOTHING_GIVEN,
    ) -> Ranking:
        """Return the ranking for a call of a known name; a new one is written down first.

        Args:
            demand: What the call asks for.
            dialect: The wire format of the client.
            body_bytes: Size of its body.
            now_ns: The present.
            given: What else decides.
        """
        bound, warm, required = given
        if warm:
            return self._decide(demand, dialect, body_bytes, now_ns, given)
        output = demand.output_tokens_max or 0
        key = (
            demand.model,
            dialect,
            bound,
            demand.terms,
            required.ids,
            required.data_class,
            body_bytes.bit_length(),
            output.bit_length(),
        )
        ranking = self._kept.get(key)
        if ranking is None or now_ns >= ranking.until_ns:
            fresh = self._decide(demand, dialect, body_bytes, now_ns, given)
            ranking = self._keep(key, fresh)
        return ranking

    def candidates(self, asked: str) -> tuple[Deployment, ...]:
        """Return the deployments a known name stands for, as they are listed."""
        return self._aliases[asked].deployments

    def _decide(
        self, demand: Demand, dialect: str, body_bytes: int, now_ns: int, given: Given
    ) -> Ranking:
        required = given.required
        alias = self._aliases[demand.model]
        tokens_in = tokens_of(body_bytes)
        limit = demand.output_tokens_max
        tokens_out = OUTPUT_TOKENS_EXPECTED if limit is None else min(limit, OUTPUT_TOKENS_EXPECTED)
        well: list[Quoted] = []
        broken: list[Quoted] = []
        excluded: list[tuple[str, str]] = []
        for position, deployment in enumerate(alias.deployments):
            is_native = self._speech.is_native(deployment.id, dialect)
            via = self._speech.via(deployment.id, dialect)
            rule = exclusion(deployment, demand, is_native=is_native, via=via, bound=given.bound)
            rule = rule or required.violation(deployment, now_ns)
            rule = rule or self._unwell(deployment.id, now_ns)
            if rule is not None and rule != BREAKER_OPEN:
                excluded.append((deployment.id, rule))
                continue
            cost = self._quote(deployment, demand.terms, tokens_in, tokens_out, now_ns)
            weight, saved = alias.weights.get(deployment.id, 1), given.warm.get(deployment.id, 0)
            one = Quoted(deployment, cost, position, weight, via, saved)
            (well if rule is None else broken).append(one)
        policy = self._policies[POLICY_DEFAULT if alias.policy == PINNED else alias.policy]
        ranked, resort = _native_first(policy, well), _native_first(policy, broken)
        away = outside((*ranked, *resort), alias.regions)
        ranked, resort = _within(ranked, away), _within(resort, away)
        excluded += [(name, OTHER_REGION) for name in sorted(away)]
        self._number += 1
        record = DecisionRecord(
            number=self._number,
            at_ns=now_ns,
            asked=demand.model,
            policy=alias.policy,
            input_tokens=tokens_in,
            output_tokens=tokens_out,
            candidates=_candidates(ranked, resort, excluded),
            requirements=required.ids,
            data_class=required.data_class,
        )
        self._write(record)
        until_ns = self._until_ns(alias, required, now_ns)
        return Ranking(
            self._number,
            policy,
            spread_of(policy),
            ranked,
            resort,
            tuple(excluded),
            until_ns,
            record,
            alias.drops,
        )

    def amend(self, ranking: Ranking, passed_over: Mapping[str, str], now_ns: int) -> Ranking:
        """Return a ranking as calls went by it that passed more candidates over; written down.

        Calls that pass the same ones over share it, as long as they share the ranking.

        Args:
            ranking: The one that calls share.
            passed_over: By deployment, the rule.
            now_ns: When it was found.
        """
        key = (ranking.number, tuple(sorted(passed_over.items())))
        kept = self._kept.get(key)
        if kept is not None:
            return kept
        self._number += 1
        named = [
            msgspec.structs.replace(each, excluded=passed_over.get(each.deployment, each.excluded))
            for each in ranking.record.candidates
        ]
        record = msgspec.structs.replace(
            ranking.record,
            number=self._number,
            at_ns=now_ns,
            candidates=tuple(sorted(named, key=lambda each: each.excluded is not None)),
        )
        self._write(record)
        return self._keep(key, ranking._replace(number=self._number, record=record))

    def _keep(self, key: tuple[object, ...], ranking: Ranking) -> Ranking:
        if len(self._kept) >= RANKINGS_MAX:
            self._kept.clear()
        self._kept[key] = ranking
        return ranking

    def _unwell(self, deployment: str, now_ns: int) -> str | None:
        health = self._health.get(deployment)
        return None if health is None else health.rule(now_ns)

    def _until_ns(self, alias: _Alias, required: Required, now_ns: int) -> int:
        """Return how long a ranking holds: a moment, or until a pause or certificate is over."""
        times = [now_ns + RANKING_KEPT_NS]
        if (end_ns := required.until_ns(alias.deployments, now_ns)) is not None:
            times.append(end_ns)
        for deployment in alias.deployments:
            health = self._health.get(deployment.id)
            change_ns = None if health is None else health.next_change_ns(now_ns)
            if change_ns is not None:
                times.append(change_ns)
        return min(times)

    def spoken(self, asked: str) -> frozenset[str]:
        """Return the dialects in which a name is served by some deployment."""
        return frozenset(
            dialect
            for each in self._aliases[asked].deployments
            for dialect in self._speech.native[each.id]
        )


def _by_class(ranked: Sequence[Quoted]) -> tuple[tuple[Quoted, ...], tuple[Quoted, ...]]:
    """Return those that speak the client's dialect, and those that need a translation."""
    native = tuple(one for one in ranked if one.via is None)
    return native, tuple(one for one in ranked if one.via is not None)


def _native_first(policy: Policy, quoted: Sequence[Quoted]) -> tuple[Quoted, ...]:
    native, foreign = _by_class(quoted)
    return (*policy.rank(native), *policy.rank(foreign))


def _within(ranked: Sequence[Quoted], away: Collection[str]) -> tuple[Quoted, ...]:
    return tuple(one for one in ranked if one.deployment.id not in away)


def _candidates(
    ranked: Sequence[Quoted], resort: Sequence[Quoted], excluded: Sequence[tuple[str, str]]
) -> tuple[CandidateRecord, ...]:
    """Return the candidates as they are written down, in the order they would be tried."""
    return (
        *(_candidate(one, None) for one in ranked),
        *(_candidate(one, BREAKER_OPEN) for one in resort),
        *(CandidateRecord(name, None, rule) for name, rule in excluded),
    )


def _candidate(one: Quoted, excluded: str | None) -> CandidateRecord:
    name = one.deployment.id
    return CandidateRecord(name, one.expected_nanos, excluded, one.via, one.warm_nanos)
