"""A ranking, which calls that are alike share, and the plan of attempts of one of them."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from headgate.records.journal import DecisionRecord
from headgate.routing.candidate import Outcome, Plan, Quoted
from headgate.routing.policies.registry import Policy, Spread

Order = Callable[[Sequence[Quoted]], tuple[Quoted, ...]]


class Ranking(NamedTuple):
    """Eligible deployments in the policy's order, and the number of the decision.

    Attributes:
        policy: The one that serves, also where that is a part of the route's.
        spread: What gives each call an order of its own, None where all share the policy's.
        resort: Those whose breaker is open, in the policy's order: they are tried when nobody
            else is left, for a refusal would be certain.
        excluded: The others, each with its rule.
        until_ns: How long calls may share it; 0 when it is of one call alone.
        record: As it is written down.
        drops: Whether a translation may leave out features that its target lacks.
        mixes: Whether deployments that need a translation are ranked among the others.
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
    mixes: bool = False


def plan_of(ranking: Ranking, turn: int) -> Plan:
    """Return the attempts of one call.

    Args:
        ranking: What it goes by; compiled, a method of a named tuple would be made for each call.
        turn: The how-manieth call it is, for policies that spread calls.
    """
    ranked, spread = ranking.ranked, ranking.spread
    if spread is not None:
        ranked = _spread(ranked, spread, turn, mixes=ranking.mixes)
    first = ranking.policy.plan(ranked)
    return _with_resort(first, ranking.resort) if ranking.resort else first


def _spread(
    ranked: Sequence[Quoted], spread: Spread, turn: int, *, mixes: bool
) -> tuple[Quoted, ...]:
    return in_classes(ranked, lambda each: spread(each, turn), mixes=mixes)


def in_classes(quoted: Sequence[Quoted], order: Order, *, mixes: bool) -> tuple[Quoted, ...]:
    """Return candidates in order: those that speak the client's dialect before the translated.

    Args:
        quoted: The candidates.
        order: Orders those of one class.
        mixes: Whether all are of one class.
    """
    if mixes:
        return order(quoted) if quoted else ()
    native = tuple(one for one in quoted if one.via is None)
    foreign = tuple(one for one in quoted if one.via is not None)
    return tuple(one for each in (native, foreign) if each for one in order(each))


def first_class(ranked: Sequence[Quoted], *, mixes: bool) -> tuple[Quoted, ...]:
    """Return those of a ranking among whom the policy chose the first."""
    if mixes or not ranked:
        return tuple(ranked)
    return tuple(one for one in ranked if (one.via is None) == (ranked[0].via is None))


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
