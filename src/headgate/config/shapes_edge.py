"""The tables of headgate.toml about where clients come in: `[listen]`, `[tls]`, `[limits]`."""

from typing import Annotated

from msgspec import Meta

from headgate.config.shape import Bytes, Count, CountOrNone, Millis, Shape, Text
from headgate.gateway.settings import Edge

_EDGE = Edge()
WORKERS_MAX = 64


class ListenShape(Shape, frozen=True, kw_only=True):
    """`[listen]`: addresses as `host:port`."""

    gateway: Text = "127.0.0.1:8080"
    console: Text = "127.0.0.1:8081"


class TlsShape(Shape, frozen=True, kw_only=True):
    """`[tls]`: what the gateway shows to clients; see `gateway.settings.Tls`."""

    certificate: Text
    key: Text
    client_ca: Text | None = None


class LimitsShape(Shape, frozen=True, kw_only=True):
    """`[limits]`: bounds the gateway keeps for every call; see `gateway.settings.Edge`."""

    workers: Annotated[int, Meta(ge=1, le=WORKERS_MAX)] = _EDGE.workers
    body_bytes_max: Bytes = _EDGE.body_bytes_max
    buffered_bytes_max: Bytes = _EDGE.buffered_bytes_max
    connections_max: Count = _EDGE.connections_max
    head_timeout_ms: Millis = _EDGE.head_timeout_ms
    body_timeout_ms: Millis = _EDGE.body_timeout_ms
    body_rate_min: Annotated[int, Meta(ge=0, le=1 << 30)] = _EDGE.body_rate_min
    idle_timeout_ms: Millis = _EDGE.idle_timeout_ms
    write_timeout_ms: Millis = _EDGE.write_timeout_ms
    queue_wait_max_ms: Millis = _EDGE.queue_wait_max_ms
    approval_wait_max_ms: Millis = _EDGE.approval_wait_max_ms
    queue_age_ms: Millis = _EDGE.queue_age_ms
    drain_timeout_ms: Millis = _EDGE.drain_timeout_ms
    retire_timeout_ms: Millis = _EDGE.retire_timeout_ms
    client_drain_ms: Millis = _EDGE.client_drain_ms
    retries_percent: CountOrNone = _EDGE.retries_percent
    retries_burst: CountOrNone = _EDGE.retries_burst
    breaker_failures: Count = _EDGE.breaker_failures
    breaker_open_ms: Millis = _EDGE.breaker_open_ms
