"""From a decision's record to what `explain` prints of it; pure."""

from collections.abc import Collection

from headgate.insights.contract_decisions import (
    CandidateView,
    DecisionView,
    EstimateView,
    MixView,
    PolicyView,
)
from headgate.records.estimate import PolicyRecord
from headgate.records.journal import CandidateRecord, DecisionRecord
from headgate.routing.candidate import Estimated
from headgate.routing.deciding import quoted_of
from headgate.routing.explaining import MILLE, Mix, explain
from headgate.routing.policies.registry import policies
from headgate.routing.settings import PPM
from headgate.units.instants import to_iso
from headgate.units.money import format_usd


def decision_view(record: DecisionRecord, tried: Collection[str | None]) -> DecisionView:
    """Return a decision.

    Args:
        record: As it was written down.
        tried: The deployments that attempts went to by it.
    """
    told = explain(record, policies())
    return DecisionView(
        number=record.number,
        at=to_iso(record.at_ns),
        asked=record.asked,
        policy=record.policy,
        input_tokens=record.input_tokens,
        output_tokens=record.output_tokens,
        requirements=list(record.requirements),
        data_class=record.data_class,
        candidates=[
            candidate_view(candidate, chosen=candidate.deployment in tried)
            for candidate in record.candidates
        ],
        settings=None if record.settings is None else _policy_view(record.settings),
        inputs=record.inputs,
        notes=record.notes,
        repeats=told.repeats,
        runner_up=told.runner_up,
        flip=None if told.flip_milli is None else told.flip_milli / MILLE,
        mix=None if told.mix is None else _mix_view(told.mix),
    )


def candidate_view(candidate: CandidateRecord, *, chosen: bool) -> CandidateView:
    """Return a candidate; `chosen` tells whether an attempt went there."""
    quoted = quoted_of(candidate)
    expected = candidate.expected_nanos
    return CandidateView(
        deployment=candidate.deployment,
        expected=None if expected is None else format_usd(expected),
        warm=format_usd(candidate.warm_nanos),
        retries=format_usd(quoted.likely_nanos - quoted.net_nanos),
        excluded=candidate.excluded,
        via=candidate.via,
        chosen=chosen,
        estimate=None if quoted.estimate is None else _estimate_view(quoted.estimate),
    )


def _estimate_view(told: Estimated) -> EstimateView:
    rate = told.tokens_per_s_milli
    return EstimateView(
        quality=told.quality_ppm / PPM,
        low=told.low_ppm / PPM,
        high=told.high_ppm / PPM,
        n=told.n_milli / MILLE,
        terms={name: milli / MILLE for name, milli in told.terms},
        output_tokens=told.output_tokens,
        output_tokens_high=told.output_tokens_high,
        failed=told.failed_ppm / PPM,
        ttft_ms=told.ttft_ms,
        tokens_per_second=None if rate is None else rate / MILLE,
        latency_ms=told.latency_ms,
    )


def _policy_view(told: PolicyRecord) -> PolicyView:
    return PolicyView(
        name=told.name,
        kind=told.kind,
        values=told.values,
        parts={key: _policy_view(part) for key, part in told.parts.items()},
    )


def _mix_view(mix: Mix) -> MixView:
    return MixView(
        cheaper=mix.cheaper,
        dearer=mix.dearer,
        share=mix.share_milli / MILLE,
        cost=format_usd(mix.cost_nanos),
    )
