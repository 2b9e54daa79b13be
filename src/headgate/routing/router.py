"""The router: from the name a client asked for to a plan of attempts and its decision record.

A ranking depends on the alias, the dialect, the terms and the rough size of the call, so it is
kept for a moment and shared by calls that are alike; each new ranking is written to the journal
once, and the calls refer to it by number. A call whose prompt is warm somewhere has its own.
When the health of a deployment changes, all rankings are made anew, so a decision tells whom it
passed over, and by which rule. Deployments that speak the client's dialect come before those that
need a translation: nothing is lost there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Final, Literal

import msgspec

from headgate.capacity.health import Health
from headgate.catalog.settings import Deployment
from headgate.governance.requirements import NOTHING, Required
from headgate.records.demand import STANDARD, Demand
from headgate.records.journal import DecisionRecord
from headgate.routing.deciding import PINNED, POLICY_DEFAULT, candidate_records, policy_record
from headgate.routing.eligibility import (
    Speech,
    outside,
    wanted,
)
from headgate.routing.finding import (
    Alias,
    Call,
    Finder,
    Found,
    expected_output,
    plain_bytes,
    without,
)
from headgate.routing.given import NOTHING_GIVEN, Appraiser, Given, Quote, tokens_of
from headgate.routing.policies import cascade
from headgate.routing.policies.registry import (
    Chosen,
    Need,
    spread_of,
)
from headgate.routing.ranking import Ranking, first_class, in_classes
from headgate.routing.settings import REGION_ANY, Route

RANKING_KEPT_NS: Final = 5_000_000_000
RANKINGS_MAX: Final = 4_096

OTHER_REGION: Final = "region"
"""The rule that keeps a call in the region of its first attempt."""


class Router:
    """Ranks candidates; knows routes and deployments, and is told prices by `quote`.

    Args:
        routes: By alias.
        deployments: By id; a client can pin one.
        speech: Which dialects are spoken where.
        quote: Expected cost of a call at a deployment.
        write: Puts a new decision into the journal.
        choose: Returns a policy by its name.

    Attributes:
        names: All that can be asked for.
        particular: Those whose policy looks at the call itself, or at who makes it.
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
        self._spoken: defaultdict[str, dict[str, frozenset[bool]]] = defaultdict(dict)
        self._write = write
        self._number = 0
        self._kept: dict[tuple[object, ...], Ranking] = {}
        self._finder = Finder(speech, quote)
        default = choose(POLICY_DEFAULT)
        self._aliases: dict[str, Alias] = {
            name: Alias(Route(name, (name,), PINNED, regions=(REGION_ANY,)), (deployment,), default)
            for name, deployment in deployments.items()
        }
        for alias, route in routes.items():
            listed = tuple(deployments[name] for name in route.deployments)
            one = choose(route.policy)
            self._aliases[alias] = Alias(route, listed, one, plain_bytes(one, listed))
        self.names: tuple[str, ...] = tuple(sorted(self._aliases))
        self.particular = frozenset(
            name for name, each in self._aliases.items() if each.chosen.needs or each.chosen.arms
        )

    def watch(self, health: Mapping[str, Health]) -> None:
        """Pass over deployments by how they are doing, by id; whoever is not there is well."""
        self._finder.health = health
        for each in health.values():
            each.on_change = self._kept.clear

    def ask(self, appraiser: Appraiser) -> None:
        """Have policies that go by estimates get them from an appraiser."""
        self._finder.appraiser = appraiser

    def needs(self, asked: str) -> frozenset[Need]:
        """Return what the policy of a known name goes by beside prices, weights and places."""
        return self._aliases[asked].chosen.needs

    def chosen(self, asked: str) -> Chosen:
        """Return the policy of a known name."""
        return self._aliases[asked].chosen

    def cascades(self) -> bool:
        """Tell whether any policy is a cascade, or has one as a part."""
        return any(each.chosen.has(cascade.KIND) for each in self._aliases.values())

    def hedges(self) -> Mapping[str, int]:
        """Return after how many milliseconds of silence calls are hedged, by the names that are."""
        after_ms = {name: each.route.hedge_after_ms for name, each in self._aliases.items()}
        return {name: ms for name, ms in after_ms.items() if ms is not None}

    def reaches(self, asked: str, region: str | None) -> bool:
        """Tell whether calls of a name may go to a region that they did not begin in."""
        regions = self._aliases[asked].route.regions
        return REGION_ANY in regions or region in regions

    def asks(self) -> bool:
        """Tell whether any policy or route goes by estimates."""
        return any(each.chosen.needs or each.route.measures for each in self._aliases.values())

    def knows(self, asked: str) -> bool:
        """Tell whether a name is an alias or a deployment."""
        return asked in self._aliases

    def is_mixed(self, asked: str, dialect: str) -> bool:
        """Tell whether some deployments of a name speak a dialect themselves and others do not.

        Only then does it matter what state the conversation carries.
        """
        return len(self._native(asked, dialect)) > 1

    def translates(self, asked: str, dialect: str) -> bool:
        """Tell whether a name, which need not be known, has deployments that do not speak it."""
        return asked in self._aliases and False in self._native(asked, dialect)

    def _native(self, asked: str, dialect: str) -> frozenset[bool]:
        """Return what is so of deployments of a name: that they speak a dialect, or do not."""
        spoken = self._spoken[dialect]
        known = spoken.get(asked)
        if known is None:
            deployments = self._aliases[asked].deployments
            native = {self._speech.is_native(each.id, dialect) for each in deployments}
            known = spoken[asked] = frozenset(native)
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
        more: tuple[object, ...] = ()
        shared = True
        if body_bytes > alias.plain_bytes:
            shared = alias.chosen.is_shared
            arms = alias.chosen.arms_for(given.unit)
            given = given._replace(inputs={**given.inputs, **arms})
            rooms = alias.rooms(tokens_of(body_bytes) + expected_output(demand))
            more = (*sorted(given.inputs.items()), wanted(demand), rooms)
        if given.warm or not shared:
            return self._decide(alias, _call(demand, dialect, body_bytes, given, now_ns))
        required = given.required
        sizes = body_bytes.bit_length() << 8 | (demand.output_tokens_max or 0).bit_length()
        key: tuple[object, ...] = (alias.route.alias, dialect, sizes)
        if given is not NOTHING_GIVEN or demand.terms is not STANDARD or more:
            key = (
                *key,
                given.bound,
                None if demand.terms is STANDARD else demand.terms,
                None if required is NOTHING else (required.ids, required.data_class),
                more,
            )
        ranking = self._kept.get(key)
        if ranking is None or now_ns >= ranking.until_ns:
            call = _call(demand, dialect, body_bytes, given, now_ns)
            ranking = self._keep(key, self._decide(alias, call))
        return ranking

    def candidates(self, asked: str) -> tuple[Deployment, ...]:
        """Return the deployments a known name stands for, as they are listed."""
        return self._aliases[asked].deployments

    def keeps(self, asked: str) -> Literal["never", "asked", "always"]:
        """Return whose replies are kept of the calls that ask for a known name."""
        return self._aliases[asked].route.keeps

    def _decide(self, alias: Alias, call: Call) -> Ranking:
        demand, given, now_ns = call.demand, call.given, call.now_ns
        shared = alias.chosen.is_shared and not given.warm
        until_ns = self._until_ns(alias, given.required, now_ns) if shared else 0
        fixed = DecisionRecord(
            number=0,
            at_ns=now_ns,
            asked=demand.model,
            policy=alias.route.policy,
            input_tokens=call.tokens_in,
            output_tokens=call.tokens_out,
            candidates=(),
            requirements=given.required.ids,
            data_class=given.required.data_class,
            settings=policy_record(alias.chosen),
            inputs=dict(given.inputs),
            mixes=alias.route.mixes,
        )
        return self._order(alias, self._finder.find(alias, call), fixed, until_ns)

    def _order(
        self,
        alias: Alias,
        found: Found,
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
            without(ranked, away),
            without(resort, away),
            (*excluded, *sorted(away.items())),
            until_ns,
            record,
            alias.route.drops,
            mixes,
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
        amended = ranking._replace(number=self._number, record=record)
        return self._keep(key, amended) if ranking.until_ns else amended

    def _keep(self, key: tuple[object, ...], ranking: Ranking) -> Ranking:
        if len(self._kept) >= RANKINGS_MAX:
            self._kept.clear()
        self._kept[key] = ranking
        return ranking

    def _until_ns(self, alias: Alias, required: Required, now_ns: int) -> int:
        """Return how long a ranking holds: a moment, or until a pause or certificate is over."""
        times = [now_ns + RANKING_KEPT_NS]
        if (end_ns := required.until_ns(alias.deployments, now_ns)) is not None:
            times.append(end_ns)
        for deployment in alias.deployments:
            health = self._finder.health.get(deployment.id)
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


def _call(demand: Demand, dialect: str, body_bytes: int, given: Given, now_ns: int) -> Call:
    tokens_out = expected_output(demand)
    return Call(demand, dialect, tokens_of(body_bytes), tokens_out, given, now_ns)
