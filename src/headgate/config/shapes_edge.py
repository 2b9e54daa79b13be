"""The tables of headgate.toml about where clients come in: where, how, within which bounds."""

from typing import Annotated

from msgspec import Meta

from headgate.config.shape import Bytes, Count, CountOrNone, Millis, Shape, Text, Texts
from headgate.gateway.settings import AccessLogFiles, Edge, ForwardedHeader

_EDGE = Edge()
_LOG = AccessLogFiles("")
WORKERS_MAX = 64


class ListenShape(Shape, frozen=True, kw_only=True):
    """`[listen]`: addresses as `host:port`, and who may say whose a connection is.

    Attributes:
        trusted_proxies: None: nobody.
    """

    gateway: Text = "127.0.0.1:8080"
    console: Text = "127.0.0.1:8081"
    trusted_proxies: Texts | None = None
    proxy_protocol: bool = _EDGE.proxy_protocol
    forwarded_header: ForwardedHeader = _EDGE.forwarded_header


class TlsShape(Shape, frozen=True, kw_only=True):
    """`[tls]`: what the gateway shows to clients; see `gateway.settings.Tls`."""

    certificate: Text
    key: Text
    client_ca: Text | None = None
    own_certificate: Text | None = None
    own_key: Text | None = None


class CorsShape(Shape, frozen=True, kw_only=True):
    """`[cors]`: the pages that may call from a browser."""

    origins: Texts


class AccessLogShape(Shape, frozen=True, kw_only=True):
    """`[access_log]`: a line per request; see `gateway.settings.AccessLogFiles`."""

    folder: Text
    file_bytes_max: Annotated[int, Meta(ge=4_096, le=1 << 40)] = _LOG.file_bytes_max
    files_max: Annotated[int, Meta(ge=1, le=1_000)] = _LOG.files_max


class LimitsShape(Shape, frozen=True, kw_only=True):
    """`[limits]`: bounds the gateway keeps for every call; see `gateway.settings.Edge`."""

    workers: Annotated[int, Meta(ge=1, le=WORKERS_MAX)] = _EDGE.workers
    body_bytes_max: Bytes = _EDGE.body_bytes_max
    buffered_bytes_max: Bytes = _EDGE.buffered_bytes_max
    upload_bytes_max: Bytes = _EDGE.upload_bytes_max
    spooled_bytes_max: Bytes = _EDGE.spooled_bytes_max
    connections_max: Count = _EDGE.connections_max
    head_timeout_ms: Millis = _EDGE.head_timeout_ms
    body_timeout_ms: Millis = _EDGE.body_timeout_ms
    body_rate_min: Annotated[int, Meta(ge=0, le=1 << 30)] = _EDGE.body_rate_min
    idle_timeout_ms: Millis = _EDGE.idle_timeout_ms
    write_timeout_ms: Millis = _EDGE.write_timeout_ms
    queue_wait_max_ms: Millis = _EDGE.queue_wait_max_ms
    approval_wait_max_ms: Millis = _EDGE.approval_wait_max_ms
    queue_age_ms: Millis = _EDGE.queue_age_ms
    drain_delay_ms: Annotated[int, Meta(ge=0, le=600_000)] = _EDGE.drain_delay_ms
    drain_timeout_ms: Millis = _EDGE.drain_timeout_ms
    retire_timeout_ms: Millis = _EDGE.retire_timeout_ms
    client_drain_ms: Millis = _EDGE.client_drain_ms
    withheld_bytes_max: Bytes = _EDGE.withheld_bytes_max
    retries_percent: CountOrNone = _EDGE.retries_percent
    retries_burst: CountOrNone = _EDGE.retries_burst
    lag_max_ms: Annotated[int, Meta(ge=0, le=60_000)] = _EDGE.lag_max_ms
    queue_ping_ms: Annotated[int, Meta(ge=0, le=86_400_000)] = _EDGE.queue_ping_ms
    breaker_failures: Count = _EDGE.breaker_failures
    breaker_open_ms: Millis = _EDGE.breaker_open_ms
