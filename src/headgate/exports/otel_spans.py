"""Calls as spans: one for the call, and one below it for each attempt; pure.

Ids are made of the call's and the attempt's, so that what is sent twice is the same span. There is
no prompt and no reply in any of them: the books have none.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from headgate.exports import otel_names as names
from headgate.exports.otlp import CLIENT, ERROR, SERVER, Attributes, Span, Status, attributes
from headgate.exports.reading import Known
from headgate.insights.calls import AttemptRow, OpenedCall, RefusedRow
from headgate.units.money import format_usd

MICROS_PER_SECOND = 1_000_000
NANOS_PER_MICRO = 1_000


def spans(
    ended: Iterable[AttemptRow],
    over: Iterable[OpenedCall],
    known: dict[str, Known],
    traces: Mapping[str, str],
) -> Iterator[Span]:
    """Yield a span of each attempt that ended, and of each call that is over.

    Args:
        ended: Attempts.
        over: Calls with all their attempts.
        known: By deployment.
        traces: By attempt, the span its client called in (`traceparent`).
    """
    for row in ended:
        of = known.get(row.deployment, Known(row.deployment))
        yield _of_attempt(row, of, _within(row.call, traces.get(row.attempt)))
    for call in over:
        told = (traces.get(row.attempt) for row in reversed(call.attempts))
        yield _of_call(call, known, _within(call.call, next(filter(None, told), None)))


class _Within(NamedTuple):
    """The trace a call is of, and the span of its client, empty when there is none."""

    trace_id: str
    parent_span_id: str


def _within(call: str, traceparent: str | None) -> _Within:
    """Return where a call belongs: to its client's trace, or to one of its own."""
    if traceparent is None:
        return _Within(trace_id(call), "")
    _, trace, span, _ = traceparent.split("-")
    return _Within(trace, span)


def trace_id(call: str) -> str:
    """Return the id of a call's trace: sixteen bytes."""
    return hashlib.sha256(f"trace:{call}".encode()).hexdigest()[:32]


def span_id(what: str) -> str:
    """Return the id of the span of a call or an attempt: eight bytes."""
    return hashlib.sha256(f"span:{what}".encode()).hexdigest()[:16]


def operation_of(row: AttemptRow) -> str:
    """Return what an attempt was, as the conventions name it."""
    return names.OPERATIONS.get(row.dialect, names.CHAT)


def provider_of(known: Known) -> str:
    """Return a provider as the conventions name it."""
    return names.PROVIDERS.get(known.kind, known.provider)


def _of_attempt(row: AttemptRow, known: Known, within: _Within) -> Span:
    operation, model = operation_of(row), known.model or row.deployment
    found: Attributes = {
        names.OPERATION_NAME: operation,
        names.PROVIDER_NAME: provider_of(known),
        names.REQUEST_MODEL: model,
        names.REQUEST_MAX_TOKENS: row.output_tokens_max or None,
        names.REQUEST_CHOICE_COUNT: row.choices if row.choices != 1 else None,
        names.REQUEST_STREAM: row.stream,
        names.RESPONSE_MODEL: row.served_model,
        names.RESPONSE_ID: row.upstream_id,
        names.RESPONSE_TIME_TO_FIRST_CHUNK: _seconds(row.ttft_us),
        names.CONVERSATION_ID: row.session,
        names.AGENT_ID: row.chain[-1] if row.chain else None,
        **_usage(row),
        names.ERROR_TYPE: _failure(row),
        names.HTTP_STATUS: row.status or None,
        **_who(row),
        names.ATTEMPT: row.attempt,
        names.DEPLOYMENT: row.deployment,
        names.STATE: row.state,
        names.COST: format_usd(row.posted_nanos),
        names.HOLD: format_usd(row.hold_nanos),
    }
    return Span(
        trace_id=within.trace_id,
        span_id=span_id(row.attempt),
        parent_span_id=span_id(row.call),
        name=f"{operation} {model}",
        kind=CLIENT,
        start_time_unix_nano=str(row.at_ns),
        end_time_unix_nano=str(_end_ns(row)),
        attributes=attributes(found),
        status=_status(_failure(row)),
    )


def _of_call(call: OpenedCall, known: dict[str, Known], within: _Within) -> Span:
    tried, refused = call.attempts, call.refusals
    first = call.rows[0]
    last = call.told
    # It ends as that attempt did, or by its refusal.
    failure = refused[-1].refused.code if refused else _failure(last)
    operation = operation_of(last) if last else names.CHAT
    found: Attributes = {
        names.OPERATION_NAME: operation,
        names.REQUEST_MODEL: first.asked,
        **(_answer(last, known) if last else {}),
        names.ERROR_TYPE: failure,
        **_who(first),
        names.COST: format_usd(call.posted_nanos),
        names.BUDGET: refused[-1].refused.budget if refused else None,
    }
    waited_ns = tried[0].waited_us * NANOS_PER_MICRO if tried else 0
    ends = [_end_ns(row) for row in tried] + [row.at_ns for row in refused]
    return Span(
        trace_id=within.trace_id,
        span_id=span_id(call.call),
        parent_span_id=within.parent_span_id,
        name=f"{operation} {first.asked}",
        kind=SERVER,
        start_time_unix_nano=str(first.at_ns - waited_ns),
        end_time_unix_nano=str(max(ends)),
        attributes=attributes(found),
        status=_status(failure),
    )


def _answer(row: AttemptRow, known: dict[str, Known]) -> Attributes:
    """Return what is said of a call by the attempt that ended it."""
    return {
        names.PROVIDER_NAME: provider_of(known.get(row.deployment, Known(row.deployment))),
        names.REQUEST_STREAM: row.stream,
        names.RESPONSE_MODEL: row.served_model,
        names.RESPONSE_ID: row.upstream_id,
        names.CONVERSATION_ID: row.session,
        names.WAITED: _seconds(row.waited_us or None),
        **_usage(row),
    }


def _who(row: AttemptRow | RefusedRow) -> Attributes:
    return {
        names.CALL: row.call,
        names.TEAM: row.team,
        names.PRINCIPAL: row.principal,
        names.RUN: row.run,
    }


def _usage(row: AttemptRow) -> Attributes:
    """Return tokens as the conventions count them: input has what caches gave and took."""
    if not row.usage:
        return {}
    usage = row.usage
    writes = sum(usage.get(f"cache_write_{kept}", 0) for kept in ("5m", "1h", "24h"))
    return {
        names.USAGE_INPUT: row.input_tokens,
        names.USAGE_OUTPUT: row.output_tokens,
        names.USAGE_CACHE_READ: usage.get("cache_read"),
        names.USAGE_CACHE_CREATION: writes or None,
        names.USAGE_REASONING: usage.get("output_reasoning"),
    }


def _failure(row: AttemptRow | None) -> str | None:
    """Return why an attempt failed, None when it did not."""
    if row is None or (row.state == "measured" and not row.is_failure):
        return None
    return row.reason or row.state


def _status(failure: str | None) -> Status:
    return Status() if failure is None else Status(failure, ERROR)


def _end_ns(row: AttemptRow) -> int:
    assert row.ended_ns is not None, f"{row.attempt} runs"
    # An attempt that was closed for a dead worker ended long after it was sent.
    return max(row.ended_ns, row.at_ns)


def _seconds(time_us: int | None) -> float | None:
    return None if time_us is None else time_us / MICROS_PER_SECOND
