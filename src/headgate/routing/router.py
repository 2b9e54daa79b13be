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
from typing import NamedTuple, Protocol

import msgspec

from headgate.capacity.health import BREAKER_OPEN, Health
from headgate.catalog.settings import Deployment
from headgate.governance.requirements import NOTHING, Required
from headgate.records.conversation import Bound
from headgate.records.demand import Demand, Terms
from headgate.records.journal import DecisionRecord
from headgate.routing.candidate import OUTPUT_TOKENS_EXPECTED, Estimated, Quoted
from headgate.routing.deciding import PINNED, POLICY_DEFAULT, candidate_records, policy_record
from headgate.routing.eligibility import Speech, exclusion, outside
from headgate.routing.policies.registry import (
    NO_INPUTS,
    Chosen,
    Inputs,
    Need,
    spread_of,
)
from headgate.routing.ranking import Ranking, first_class, in_classes
from headgate.routing.settings import REGION_ANY, Route

RANKING_KEPT_NS = 5_000_000_000
RANKINGS_MAX = 4_096
BYTES_PER_TOKEN = 4

Quote = Callable[[Deployment, Terms, int, int, int], int | None]
"""(deployment, terms, input tokens, output tokens, instant) -> expected nanos, None unpriced."""


NOT_WARM: Mapping[str, int] = MappingProxyType({})
NO_ESTIMATES: Mapping[str, Estimated] = MappingProxyType({})

OTHER_REGION = "region"
"""The rule that keeps a call in the region of its first attempt."""


def tokens_of(body_bytes: int) -> int:
    """Return about how many tokens a body's prompt has."""
    return max(1, body_bytes // BYTES_PER_TOKEN)


class Appraiser(Protocol):
    """Knows what is to be expected of deployments beside their prices."""

    def appraise(
        self, asked: str, text: str, deployments: Sequence[Deployment], now_ns: int, /
    ) -> Mapping[str, Estimated]:
        """Return estimates by deployment.

        Args:
            asked: The name that was asked for.
            text: What the model is asked, the ends of it that matter; empty for anything.
            deployments: The ones in question.
            now_ns: The present.
        """


class Given(NamedTuple):
    """What beside its demand says where a call may go, and what it costs there.

    Attributes:
        bound: Where the conversation may go because of what it carries, None for anywhere.
        warm: By deployment, what it saves that the prompt is cached there; those that are not
            named save nothing.
        required: What whoever serves it has to satisfy.
        text: What it asks, for policies that go by it; see `Router.needs`.
        unit: What stays together when calls are sent one way or another: session or principal.
        inputs: What else the policy is told of it.
    """

    bound: Bound | None = None
    warm: Mapping[str, int] = NOT_WARM
    required: Required = NOTHING
    text: str = ""
    unit: str = ""
    inputs: Inputs = NO_INPUTS


NOTHING_GIVEN = Given()


class _Alias(NamedTuple):
    """What a name stands for; a deployment's own id stands for it alone.

    Attributes:
        plain: Whether its policy goes by nothing but prices, weights and places.
    """

    route: Route
    deployments: tuple[Deployment, ...]
    chosen: Chosen
    plain: bool


class Router:
    """Ranks candidates; knows routes and deployments, and is told prices by `quote`.

    Args:
        routes: By alias.
        deployments: By id; a client can pin one.
        speech: Which dialects are spoken where.
        quote: Expected cost of a call at a deployment.
        write: Puts a new decision into the journal.
        choose: Returns a policy by its name.
    """

    def __init__(
        self,
        routes: Mapping[str, Route],
        deployments: Mapping[str, Deployment],
        speech: Speech,
        quote: Quote,
        write: Callable[[DecisionRecord], None],
        choose: Callable[[str], Chosen],
    ) -> None:
        self._speech = speech
        self._mixed: dict[tuple[str, str], bool] = {}
        self._quote = quote
        self._write = write
        self._number = 0
        self._kept: dict[tuple[object, ...], Ranking] = {}
        self._health: Mapping[str, Health] = {}
        self._appraiser: Appraiser | None = None
        default = choose(POLICY_DEFAULT)
        self._aliases: dict[str, _Alias] = {
            name: _Alias(
                Route(name, (name,), PINNED, regions=(REGION_ANY,)), (deployment,), default, True
            )
            for name, deployment in deployments.items()
        }
        for alias, route in routes.items():
            listed = tuple(deployments[name] for name in route.deployments)
            one = choose(route.policy)
            self._aliases[alias] = _Alias(route, listed, one, not (one.needs or one.arms))
        self.names: tuple[str, ...] = tuple(sorted(self._aliases))

    def watch(self, health: Mapping[str, Health]) -> None:
        """Pass over deployments by how they are doing, by id; whoever is not there is well."""
        self._health = health
        for each in health.values():
            each.on_change = self._kept.clear

    def ask(self, appraiser: Appraiser) -> None:
        """Have policies that go by estimates get them from an appraiser."""
        self._appraiser = appraiser

    def needs(self, asked: str) -> frozenset[Need]:
        """Return what the policy of a known name goes by beside prices, weights and places."""
        return self._aliases[asked].chosen.needs

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
        alias = self._aliases[demand.model]
        if not alias.plain:
            arms = alias.chosen.arms_for(given.unit)
            given = given._replace(inputs={**given.inputs, **arms})
        if given.warm or not alias.chosen.is_shared:
            return self._decide(demand, dialect, body_bytes, now_ns, given)
        required = given.required
        output = demand.output_tokens_max or 0
        key: tuple[object, ...] = (
            demand.model,
            dialect,
            given.bound,
            demand.terms,
            required.ids,
            required.data_class,
            body_bytes.bit_length(),
            output.bit_length(),
        )
        if not alias.plain:
            key += tuple(sorted(given.inputs.items()))
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
        estimates = self._estimates(alias, demand.model, given.text, now_ns)
        for position, deployment in enumerate(alias.deployments):
            is_native = self._speech.is_native(deployment.id, dialect)
            via = self._speech.via(deployment.id, dialect)
            rule = exclusion(deployment, demand, is_native=is_native, via=via, bound=given.bound)
            rule = rule or required.violation(deployment, now_ns)
            rule = rule or self._unwell(deployment.id, now_ns)
            if rule is not None and rule != BREAKER_OPEN:
                excluded.append((deployment.id, rule))
                continue
            estimate = estimates.get(deployment.id)
            likely = tokens_out
            if estimate is not None and estimate.output_tokens:
                likely = estimate.output_tokens
                likely = likely if limit is None else min(limit, likely)
            one = Quoted(
                deployment,
                self._quote(deployment, demand.terms, tokens_in, likely, now_ns),
                position,
                alias.route.weights.get(deployment.id, 1),
                via,
                given.warm.get(deployment.id, 0),
                estimate,
            )
            (well if rule is None else broken).append(one)
        shared = alias.chosen.is_shared and not given.warm
        until_ns = self._until_ns(alias, required, now_ns) if shared else 0
        fixed = DecisionRecord(
            number=0,
            at_ns=now_ns,
            asked=demand.model,
            policy=alias.route.policy,
            input_tokens=tokens_in,
            output_tokens=tokens_out,
            candidates=(),
            requirements=required.ids,
            data_class=required.data_class,
            settings=policy_record(alias.chosen),
            inputs=dict(given.inputs),
            mixes=alias.route.mixes,
        )
        return self._order(alias, (well, broken, excluded), fixed, until_ns)

    def _order(
        self,
        alias: _Alias,
        found: tuple[list[Quoted], list[Quoted], list[tuple[str, str]]],
        fixed: DecisionRecord,
        until_ns: int,
    ) -> Ranking:
        """Rank those that were found well, and those that were found broken; write it down."""
        well, broken, excluded = found
        one, inputs, mixes = alias.chosen, fixed.inputs, alias.route.mixes
        ranked = in_classes(well, lambda each: one.rank(each, inputs), mixes=mixes)
        resort = in_classes(broken, lambda each: one.rank(each, inputs), mixes=mixes)
        away = dict.fromkeys(outside((*ranked, *resort), alias.route.regions), OTHER_REGION)
        self._number += 1
        record = msgspec.structs.replace(
            fixed,
            number=self._number,
            candidates=candidate_records(ranked, resort, away, excluded),
            notes=one.notes(first_class(ranked, mixes=mixes), inputs),
        )
        self._write(record)
        serving = one.leaf(inputs).policy
        return Ranking(
            self._number,
            serving,
            spread_of(serving),
            _without(ranked, away),
            _without(resort, away),
            (*excluded, *sorted(away.items())),
            until_ns,
            record,
            alias.route.drops,
            mixes,
        )

    def _estimates(
        self, alias: _Alias, asked: str, text: str, now_ns: int
    ) -> Mapping[str, Estimated]:
        if not alias.chosen.needs or self._appraiser is None:
            return NO_ESTIMATES
        return self._appraiser.appraise(asked, text, alias.deployments, now_ns)

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
        amended = ranking._replace(number=self._number, record=record)
        return self._keep(key, amended) if ranking.until_ns else amended

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


def _without(ranked: Sequence[Quoted], away: Collection[str]) -> tuple[Quoted, ...]:
    return tuple(one for one in ranked if one.deployment.id not in away)
