"""OTLP, OpenTelemetry's protocol, as JSON: resources, spans, histograms; pure.

Format: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding. Ids are hexadecimal, and
64-bit integers are text.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

Plain = str | int | float | bool | None
Attributes = Mapping[str, Plain]

SERVER, CLIENT = 2, 3
"""Kinds of spans."""

OK, ERROR = 1, 2
"""Codes of a span's status."""

CUMULATIVE: Final = 2

TRACES_PATH, METRICS_PATH = "/v1/traces", "/v1/metrics"


class _Shape(Struct, frozen=True, rename="camel", omit_defaults=True):
    """Common settings: fields that have their default are left out."""


class Value(_Shape, frozen=True):
    """A value of an attribute; exactly one is given."""

    string_value: str | None = None
    bool_value: bool | None = None
    int_value: str | None = None
    double_value: float | None = None


class KeyValue(_Shape, frozen=True):
    """An attribute."""

    key: str
    value: Value


class Status(_Shape, frozen=True):
    """How a span ended."""

    message: str = ""
    code: int = 0


class Span(_Shape, frozen=True):
    """A span; a root has no parent."""

    trace_id: str
    span_id: str
    name: str
    kind: int
    start_time_unix_nano: str
    end_time_unix_nano: str
    attributes: list[KeyValue]
    parent_span_id: str = ""
    status: Status = Status()


class HistogramPoint(_Shape, frozen=True):
    """A histogram under some attributes; there is a count more than bounds."""

    attributes: list[KeyValue]
    start_time_unix_nano: str
    time_unix_nano: str
    count: str
    sum: float
    bucket_counts: list[str]
    explicit_bounds: list[float]


class Histogram(_Shape, frozen=True):
    """The points of a metric."""

    data_points: list[HistogramPoint]
    aggregation_temporality: Literal[1, 2] = 1


class Metric(_Shape, frozen=True):
    """A metric."""

    name: str
    unit: str
    histogram: Histogram


def attributes(of: Attributes) -> list[KeyValue]:
    """Return attributes; those that are None are left out."""
    return [KeyValue(key, _value(value)) for key, value in of.items() if value is not None]


def _value(value: str | float | bool) -> Value:
    if isinstance(value, bool):
        return Value(bool_value=value)
    if isinstance(value, int):
        return Value(int_value=str(value))
    return Value(string_value=value) if isinstance(value, str) else Value(double_value=value)


def traces(resource: Attributes, scope: str, spans: Sequence[Span]) -> bytes:
    """Return a request to `/v1/traces`."""
    return _request("Spans", resource, scope, {"spans": spans})


def metrics(resource: Attributes, scope: str, found: Iterable[Metric]) -> bytes:
    """Return a request to `/v1/metrics`."""
    return _request("Metrics", resource, scope, {"metrics": list(found)})


def _request(what: str, resource: Attributes, scope: str, content: dict[str, Any]) -> bytes:
    within = {"scope": {"name": scope}, **content}
    return msgspec.json.encode(
        {
            f"resource{what}": [
                {
                    "resource": {"attributes": attributes(resource)},
                    f"scope{what}": [within],
                }
            ]
        }
    )
