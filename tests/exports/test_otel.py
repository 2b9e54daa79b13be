"""OpenTelemetry: the official names, and messages that the official types read."""

import base64
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from google.protobuf.json_format import ParseDict
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.semconv._incubating.metrics import gen_ai_metrics

from headgate.exports import otel_names as names
from headgate.exports.following import Found, find_next, folded
from headgate.exports.otel_metrics import Meters
from headgate.exports.otel_spans import spans, trace_id
from headgate.exports.otlp import metrics, traces
from headgate.exports.reading import Known
from headgate.providers.registry import providers
from headgate.records.charge import HEDGE_LOST
from tests.console.books import Books

KNOWN = {"gpt-5-5": Known("openai", None, "openai", "gpt-5.5")}


@pytest.fixture(scope="module")
def found(planted: Books) -> Found:
    """All that the books have, as one step."""
    with planted.reading.connect() as connection:
        # The steward's own journals have corrections alone.
        places = {name: at for name, at in folded(connection).items() if "steward" in name}
        found = find_next(connection, planted.data_dir / "journal", places)
    assert found is not None
    return found


def request_of(found: Found) -> Any:
    """Return the spans of a step, as the official types read them; unknown fields are errors."""
    told = json.loads(traces({"service.name": "t"}, "headgate", list(_spans(found))))
    for span in told["resourceSpans"][0]["scopeSpans"][0]["spans"]:
        # OTLP has ids in hexadecimal where protobuf's own JSON has base64.
        for key in ("traceId", "spanId", "parentSpanId"):
            if key in span:
                span[key] = base64.b64encode(bytes.fromhex(span[key])).decode()
    return ParseDict(told, ExportTraceServiceRequest())


def _spans(found: Found) -> Iterator[Any]:
    return spans(found.step.attempts, found.over, KNOWN, found.step.traces)


def told_of(span: Any) -> dict[str, Any]:
    """Return a span's attributes."""
    return {
        each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes
    }


def constants(module: ModuleType) -> set[str]:
    """Return all names that a module of the conventions has."""
    return {value for _, value in inspect.getmembers(module) if isinstance(value, str)}


def test_every_name_is_one_of_the_conventions() -> None:
    """What is spelt as theirs is theirs: attributes, metrics, operations and providers."""
    ours = {value for value in constants(names) if value.startswith("gen_ai.")}
    operations = {each.value for each in gen_ai_attributes.GenAiOperationNameValues}
    sellers = {each.value for each in gen_ai_attributes.GenAiProviderNameValues}

    assert ours <= constants(gen_ai_attributes) | constants(gen_ai_metrics)
    assert {names.CHAT, *names.OPERATIONS.values()} <= operations
    assert set(names.PROVIDERS.values()) <= sellers
    assert set(names.PROVIDERS) <= set(providers())


def test_a_call_has_a_span_and_each_attempt_one_below(found: Found) -> None:
    """Nothing is missing, and nothing that still runs is there."""
    sent = request_of(found).resource_spans[0].scope_spans[0].spans
    calls = [span for span in sent if not span.parent_span_id]
    attempts = [span for span in sent if span.parent_span_id]

    assert len(attempts) == len(found.step.attempts) == 8
    assert len(calls) == len(found.over)
    assert {span.span_id for span in calls} >= {
        span.parent_span_id for span in attempts if told_of(span)["headgate.state"] != "void"
    }
    assert all(span.start_time_unix_nano <= span.end_time_unix_nano for span in sent)
    assert len({span.span_id for span in sent}) == len(sent)


def test_input_has_what_the_cache_gave(found: Found) -> None:
    """As the conventions want it; the cost is exact, as text, and there is no prompt."""
    span = next(
        span
        for span in request_of(found).resource_spans[0].scope_spans[0].spans
        if "gen_ai.usage.cache_read.input_tokens" in told_of(span) and span.parent_span_id
    )
    told = told_of(span)

    assert told["gen_ai.usage.input_tokens"] == 1_001 + 77
    assert told["gen_ai.usage.cache_read.input_tokens"] == 77
    assert told["gen_ai.usage.output_tokens"] == 333
    assert told["gen_ai.response.time_to_first_chunk"] == 0.31
    assert (told["gen_ai.provider.name"], told["gen_ai.request.model"]) == ("openai", "gpt-5.5")
    assert told["headgate.cost.usd"] == "0.004590875"
    assert span.name == "chat gpt-5.5"
    assert not [key for key in told if "message" in key or "prompt" in key]


def test_a_failure_is_an_error_and_a_refusal_is_a_call(found: Found) -> None:
    """Both name their reason as `error.type`."""
    sent = request_of(found).resource_spans[0].scope_spans[0].spans
    failed = {told_of(span)["error.type"] for span in sent if span.status.code == 2}

    assert {"rate_limited", "client_gone", "connect_failed", "budget_exceeded"} <= failed


def test_a_call_with_two_attempts_is_one_trace(books_of_two: Found) -> None:
    """It spans both, and ends as the last one did."""
    sent = request_of(books_of_two).resource_spans[0].scope_spans[0].spans
    (call,) = (span for span in sent if not span.parent_span_id)

    assert len(sent) == 3
    assert len({span.trace_id for span in sent}) == 1
    assert call.start_time_unix_nano == min(span.start_time_unix_nano for span in sent)
    assert call.end_time_unix_nano == max(span.end_time_unix_nano for span in sent)
    assert told_of(call)["gen_ai.response.model"] == "gpt-5.5-2026-08"
    assert call.trace_id.hex() == trace_id("call_two")


@pytest.mark.parametrize("winner", [1, 2])
def test_a_hedged_call_ends_as_the_attempt_that_answered(tmp_path: Path, winner: int) -> None:
    """Whichever ended last, both are in its trace, and neither is a call by itself."""
    books, usage = Books(tmp_path), {"input_uncached": 5, "output_text": 5}
    first, second = (books.hold(call="call_two", attempt=number) for number in (1, 2))
    for hold, number in ((second, 2), (first, 1)):
        model, reason = ("answered", None) if number == winner else ("lost", HEDGE_LOST)
        # The one that is written last ends last.
        took_us = 2_000_000 - number
        books.settle(
            hold,
            usage,
            served_model=model,
            reason=reason,
            final=number == 1,
            duration_us=took_us,
        )
    books.fold()
    with books.reading.connect() as connection:
        found = find_next(connection, books.data_dir / "journal", {})
    books.close()
    assert found is not None
    sent = request_of(found).resource_spans[0].scope_spans[0].spans

    (call,) = (span for span in sent if not span.parent_span_id)
    assert len(sent) == 3
    assert told_of(call)["gen_ai.response.model"] == "answered"
    assert "error.type" not in told_of(call)


def test_a_call_is_a_child_of_its_clients_span(books_of_two: Found) -> None:
    """Where the end of an attempt says which that is; its attempts are in that trace, too."""
    trace, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    told = {row.attempt: f"00-{trace}-{span}-01" for row in books_of_two.step.attempts}
    within = books_of_two._replace(step=books_of_two.step._replace(traces=told))
    sent = request_of(within).resource_spans[0].scope_spans[0].spans

    assert {each.trace_id.hex() for each in sent} == {trace}
    (call,) = (each for each in sent if each.parent_span_id.hex() == span)
    assert {each.parent_span_id for each in sent if each is not call} == {call.span_id}


@pytest.fixture(scope="module")
def books_of_two(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """A call whose first attempt could not connect."""
    books = Books(tmp_path_factory.mktemp("two"))
    books.void(books.hold(call="call_two", attempt=1), "connect_failed")
    books.settle(books.hold(call="call_two", attempt=2), {"input_uncached": 5, "output_text": 5})
    books.fold()
    with books.reading.connect() as connection:
        found = find_next(connection, books.data_dir / "journal", {})
    books.close()
    assert found is not None
    return found


def test_metrics_are_histograms_since_the_start(found: Found) -> None:
    """Tokens by kind and durations by outcome, with the conventions' boundaries."""
    meters = Meters(1)
    meters.count(found.step.attempts, KNOWN)
    meters.count(found.step.attempts, KNOWN)
    told = json.loads(metrics({"service.name": "t"}, "headgate", meters.metrics(2)))
    request = ParseDict(told, ExportMetricsServiceRequest())
    usage, duration = request.resource_metrics[0].scope_metrics[0].metrics
    points = usage.histogram.data_points

    assert (usage.name, usage.unit) == ("gen_ai.client.token.usage", "{token}")
    assert (duration.name, duration.unit) == ("gen_ai.client.operation.duration", "s")
    assert usage.histogram.aggregation_temporality == 2
    assert sum(point.count for point in points) == 2 * 2 * 5
    assert list(points[0].explicit_bounds)[:4] == [1, 4, 16, 64]
    assert duration.histogram.data_points[0].explicit_bounds[0] == 0.01
    assert duration.histogram.data_points[0].explicit_bounds[-1] == 81.92
    assert all(sum(point.bucket_counts) == point.count for point in points)
