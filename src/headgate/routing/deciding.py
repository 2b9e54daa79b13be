"""What is written down of a decision, and the same decision made again from that alone; pure."""

from collections.abc import Mapping, Sequence
from typing import Final

from headgate.capacity.health import BREAKER_OPEN
from headgate.catalog.settings import Deployment
from headgate.records.estimate import EstimateRecord, PolicyRecord
from headgate.records.journal import CandidateRecord, DecisionRecord
from headgate.routing.candidate import Estimated, Quoted
from headgate.routing.policies.registry import Chosen, Policy, Settings
from headgate.routing.ranking import in_classes

PINNED: Final = "pinned"
"""What decisions are named by whose client asked for a deployment itself."""

POLICY_DEFAULT: Final = "cheapest"


def candidate_records(
    ranked: Sequence[Quoted],
    resort: Sequence[Quoted],
    away: Mapping[str, str],
    excluded: Sequence[tuple[str, str]],
) -> tuple[CandidateRecord, ...]:
    """Return the candidates as they are written down, in the order they would be tried.

    Args:
        ranked: In the policy's order, also those that were taken out afterwards.
        resort: Those whose breaker is open, likewise.
        away: By deployment, the rule by which some of both were taken out of the order.
        excluded: Those that were never ranked, each with its rule.
    """
    placed = [
        (one, BREAKER_OPEN if number >= len(ranked) else None, number + 1)
        for number, one in enumerate((*ranked, *resort))
    ]
    left = [_record(*each) for each in placed if each[0].deployment.id not in away]
    never = [CandidateRecord(name, None, rule) for name, rule in excluded]
    taken = [
        _record(one, away[one.deployment.id], place, resort=rule is not None)
        for one, rule, place in placed
        if one.deployment.id in away
    ]
    taken.sort(key=lambda each: each.deployment)
    return (*left, *never, *taken)


def _record(
    one: Quoted, excluded: str | None, place: int, *, resort: bool = False
) -> CandidateRecord:
    return CandidateRecord(
        deployment=one.deployment.id,
        expected_nanos=one.expected_nanos,
        excluded=excluded,
        via=one.via,
        warm_nanos=one.warm_nanos,
        place=place,
        resort=resort or excluded == BREAKER_OPEN,
        position=one.position,
        weight=one.weight,
        estimate=None if one.estimate is None else _estimate_record(one.estimate),
    )


def _estimate_record(one: Estimated) -> EstimateRecord:
    return EstimateRecord(
        one.quality_ppm,
        one.low_ppm,
        one.high_ppm,
        one.n_milli,
        dict(one.terms),
        one.output_tokens,
        one.output_tokens_high,
        one.failed_ppm,
        one.ttft_ms,
        one.tokens_per_s_milli,
    )


def policy_record(one: Chosen) -> PolicyRecord | None:
    """Return a policy as it is written down; None for one without settings, told by its kind."""
    settings = one.settings
    if settings.name == one.policy.KIND and not settings.values and not settings.parts:
        return None
    return _policy_record(one)


def _policy_record(one: Chosen) -> PolicyRecord:
    settings = one.settings
    parts = {key: _policy_record(part) for key, part in settings.parts.items()}
    return PolicyRecord(settings.name, one.policy.KIND, dict(settings.values), parts)


def chosen_of(record: DecisionRecord, known: Mapping[str, Policy]) -> Chosen | None:
    """Return the policy a decision was made by; None when there is no such policy any more."""
    told = record.settings
    if told is None:
        kind = POLICY_DEFAULT if record.policy == PINNED else record.policy
        return Chosen(known[kind], Settings(kind)) if kind in known else None
    return _chosen(told, known)


def _chosen(told: PolicyRecord, known: Mapping[str, Policy]) -> Chosen | None:
    parts: dict[str, Chosen] = {}
    for key, part in told.parts.items():
        found = _chosen(part, known)
        if found is None:
            return None
        parts[key] = found
    if told.kind not in known:
        return None
    return Chosen(known[told.kind], Settings(told.name, told.values, parts))


def quoted_of(record: CandidateRecord) -> Quoted:
    """Return a candidate as the policy saw it; of its deployment only the id is known."""
    deployment = Deployment(record.deployment, "", "", "", "", 0, 0, 0)
    told = record.estimate
    estimate = None
    if told is not None:
        estimate = Estimated(
            told.quality_ppm,
            told.low_ppm,
            told.high_ppm,
            told.n_milli,
            tuple(told.terms.items()),
            told.output_tokens,
            told.output_tokens_high,
            told.failed_ppm,
            told.ttft_ms,
            told.tokens_per_s_milli,
        )
    return Quoted(
        deployment,
        record.expected_nanos,
        record.position,
        record.weight,
        record.via,
        record.warm_nanos,
        estimate,
    )


def decided_again(record: DecisionRecord, one: Chosen) -> tuple[str, ...]:
    """Return the order of the candidates that were ranked, as a policy makes it from the record.

    With the decision's own policy it has to be `placed(record)`, or the record is not all that
    the decision was made by.
    """
    order: list[str] = []
    for resort in (False, True):
        group = [quoted_of(c) for c in record.candidates if c.place and c.resort is resort]
        group.sort(key=lambda quoted: quoted.deployment.id)
        ranked = in_classes(group, lambda each: one.rank(each, record.inputs), mixes=record.mixes)
        order += (quoted.deployment.id for quoted in ranked)
    return tuple(order)


def placed(record: DecisionRecord) -> tuple[str, ...]:
    """Return the order in which the policy put those it ranked."""
    ranked = sorted((each for each in record.candidates if each.place), key=lambda c: c.place)
    return tuple(each.deployment for each in ranked)
