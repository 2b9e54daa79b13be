"""The router: from the name a client asked for to a plan of attempts and its decision record.

A ranking depends on the alias, the dialect, the terms and the rough size of the call, so it is
kept for a moment and shared by calls that are alike; each new ranking is written to the journal
once, and the calls refer to it by number.
"""

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from headgate.catalog.settings import Deployment
from headgate.records.demand import Demand, Terms
from headgate.records.journal import CandidateRecord, DecisionRecord
from headgate.routing.candidate import Quoted
from headgate.routing.eligibility import exclusion
from headgate.routing.policies.registry import Policy
from headgate.routing.settings import Route

RANKING_KEPT_NS = 5_000_000_000
RANKINGS_MAX = 4_096
BYTES_PER_TOKEN = 4
OUTPUT_TOKENS_EXPECTED = 512

Quote = Callable[[Deployment, Terms, int, int, int], int | None]
"""(deployment, terms, input tokens, output tokens, instant) -> expected nanos, None unpriced."""


PINNED = "pinned"
"""What decisions are named by whose client asked for a deployment itself."""

POLICY_DEFAULT = "cheapest"


class Ranking(NamedTuple):
    """Eligible deployments in the policy's order, and the number of the decision."""

    number: int
    policy: Policy
    ranked: tuple[Quoted, ...]
    excluded: tuple[tuple[str, str], ...]
    until_ns: int


class Router:
    """Ranks candidates; knows routes and deployments, and is told prices by `quote`.

    Args:
        routes: By alias.
        deployments: By id; a client can pin one.
        native: The native dialects of each deployment, by its id.
        quote: Expected cost of a call at a deployment.
        write: Puts a new decision into the journal.
        known: The policies by kind.
    """

    def __init__(
        self,
        routes: Mapping[str, Route],
        deployments: Mapping[str, Deployment],
        native: Mapping[str, Collection[str]],
        quote: Quote,
        write: Callable[[DecisionRecord], None],
        known: Mapping[str, Policy],
    ) -> None:
        self._native = native
        self._quote = quote
        self._write = write
        self._number = 0
        self._kept: dict[tuple[object, ...], Ranking] = {}
        self._policies = known
        self._candidates: dict[str, tuple[str, tuple[Deployment, ...]]] = {
            name: (PINNED, (deployment,)) for name, deployment in deployments.items()
        }
        for alias, route in routes.items():
            chosen = tuple(deployments[name] for name in route.deployments)
            self._candidates[alias] = (route.policy, chosen)
        self.names: tuple[str, ...] = tuple(sorted(self._candidates))

    def knows(self, asked: str) -> bool:
        """Tell whether a name is an alias or a deployment."""
        return asked in self._candidates

    def rank(self, demand: Demand, *, dialect: str, body_bytes: int, now_ns: int) -> Ranking:
        """Return the ranking for a call of a known name; a new one is written down first."""
        output = demand.output_tokens_max or 0
        key = (
            demand.model,
            dialect,
            demand.terms,
            body_bytes.bit_length(),
            output.bit_length(),
        )
        ranking = self._kept.get(key)
        if ranking is None or now_ns >= ranking.until_ns:
            if len(self._kept) >= RANKINGS_MAX:
                self._kept.clear()
            ranking = self._kept[key] = self._decide(
                demand, dialect=dialect, body_bytes=body_bytes, now_ns=now_ns
            )
        return ranking

    def _decide(self, demand: Demand, *, dialect: str, body_bytes: int, now_ns: int) -> Ranking:
        policy, candidates = self._candidates[demand.model]
        tokens_in = max(1, body_bytes // BYTES_PER_TOKEN)
        limit = demand.output_tokens_max
        tokens_out = OUTPUT_TOKENS_EXPECTED if limit is None else min(limit, OUTPUT_TOKENS_EXPECTED)
        quoted: list[Quoted] = []
        excluded: list[tuple[str, str]] = []
        for deployment in candidates:
            rule = exclusion(
                deployment, demand, dialect=dialect, native=self._native[deployment.id]
            )
            if rule is not None:
                excluded.append((deployment.id, rule))
                continue
            cost = self._quote(deployment, demand.terms, tokens_in, tokens_out, now_ns)
            quoted.append(Quoted(deployment, cost))
        chosen = self._policies[POLICY_DEFAULT if policy == PINNED else policy]
        ranked = chosen.rank(quoted)
        self._number += 1
        self._write(
            DecisionRecord(
                number=self._number,
                at_ns=now_ns,
                asked=demand.model,
                policy=policy,
                input_tokens=tokens_in,
                output_tokens=tokens_out,
                candidates=tuple(
                    CandidateRecord(each.deployment.id, each.expected_nanos) for each in ranked
                )
                + tuple(CandidateRecord(name, None, rule) for name, rule in excluded),
            )
        )
        until_ns = now_ns + RANKING_KEPT_NS
        return Ranking(self._number, chosen, ranked, tuple(excluded), until_ns)

    def spoken(self, asked: str) -> frozenset[str]:
        """Return the dialects in which a name is served by some deployment."""
        _, candidates = self._candidates[asked]
        return frozenset(dialect for each in candidates for dialect in self._native[each.id])
