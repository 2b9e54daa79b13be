"""What the configuration says of the data plane's edge: address and limits."""

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

from headgate.capacity.places import AGE_MS
from headgate.trackers.settings import OutcomeHook

NO_HOOKS: Final[Mapping[str, OutcomeHook]] = MappingProxyType({})
ForwardedHeader = Literal["x-forwarded-for", "forwarded"]


class Tls(NamedTuple):
    """TLS towards clients.

    Attributes:
        certificate: Path of a PEM file: the certificate, then those of its authorities.
        key: Path of its key, in PEM, without a password.
        client_ca: Path of the authorities of clients' certificates; None asks for none.
        own_certificate: Path of the certificate that our own programs show as clients; None for
            none.
        own_key: Path of its key; None when that stands in `own_certificate`.
    """

    certificate: str
    key: str
    client_ca: str | None = None
    own_certificate: str | None = None
    own_key: str | None = None


class AccessLogFiles(NamedTuple):
    """Where the access log is kept.

    Attributes:
        folder: Each worker has a file of its own there.
        file_bytes_max: Beyond it a file is put aside.
        files_max: So many files a worker has at most, the one that is written included.
    """

    folder: str
    file_bytes_max: int = 64 << 20
    files_max: int = 8


class ResponseCache(NamedTuple):
    """How replies are kept to be given again.

    Attributes:
        ttl_s: For how long.
        bytes_max: What they may take in a worker's memory.
        reply_bytes_max: A longer reply is not kept.
        shared: Among whom: the calls of a `principal`, or of its `team`.
        wait_max_ms: How long a call waits for one that asks the same and runs; 0 for not at all.
    """

    ttl_s: int = 3_600
    bytes_max: int = 64 << 20
    reply_bytes_max: int = 1 << 20
    shared: Literal["principal", "team"] = "principal"
    wait_max_ms: int = 0


RESPONSES_USUAL: Final = ResponseCache()


class Edge(NamedTuple):
    """Where the data plane listens, and the bounds it keeps.

    Attributes:
        tls: None for plain HTTP.
        trusted_proxies: The networks of proxies that are believed what they say of clients.
        proxy_protocol: Whether every connection is from one of them and begins with the PROXY
            protocol.
        forwarded_header: In which header they say it.
        access_log: None for no log of requests.
        cors_origins: The origins of pages that may call, such as `https://app.example`.
        hooks: Where trackers tell outcomes, by id.
        workers: How many processes serve calls.
        body_bytes_max: A larger body is refused (413).
        buffered_bytes_max: All bodies being received together; more is refused (503).
        upload_bytes_max: A larger form with files is refused (413).
        spooled_bytes_max: All such forms on the disk together; more is refused (503).
        head_timeout_ms: From the first byte of a request to the end of its head.
        body_timeout_ms: From the end of the head to the end of the body.
        body_rate_min: So many bytes of a body must come a second, after ten seconds; 0 for any.
        idle_timeout_ms: A connection without a request is closed after this.
        write_timeout_ms: A client that reads nothing for this long is cut off.
        queue_wait_max_ms: How long a call may wait for a place at a deployment.
        approval_wait_max_ms: How long a call that is not streamed may wait for a person.
        queue_age_ms: After so long in a queue a call of a lower class has its turn now and then.
        drain_delay_ms: How long all goes on when the gateway is told to stop, not ready any more.
        drain_timeout_ms: How long running calls may take when the gateway stops.
        retire_timeout_ms: How long running calls may take after the configuration has changed.
        client_drain_ms: How long a reply is read on after its client went away (`drain`).
        withheld_bytes_max: What a cascade holds back of a stream at most until it is verified.
        retries_percent: How many further attempts calls may make, per hundred calls.
        retries_burst: How many of them can be saved up.
        lag_max_ms: New calls are refused while the event loop is later than this; 0 for never.
        queue_ping_ms: How often a stream that waits for a place is pinged; 0 for never.
        breaker_failures: So many failures in a row pass a deployment over.
        breaker_open_ms: For how long, at first.
    """

    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    body_bytes_max: int = 32 << 20
    buffered_bytes_max: int = 1 << 30
    upload_bytes_max: int = 64 << 20
    spooled_bytes_max: int = 4 << 30
    connections_max: int = 16_384
    head_timeout_ms: int = 15_000
    body_timeout_ms: int = 120_000
    body_rate_min: int = 1_000
    idle_timeout_ms: int = 120_000
    write_timeout_ms: int = 60_000
    queue_wait_max_ms: int = 60_000
    approval_wait_max_ms: int = 55_000
    queue_age_ms: int = AGE_MS
    drain_delay_ms: int = 0
    drain_timeout_ms: int = 30_000
    retire_timeout_ms: int = 3_600_000
    client_drain_ms: int = 60_000
    withheld_bytes_max: int = 8 << 20
    retries_percent: int = 10
    retries_burst: int = 500
    lag_max_ms: int = 2_000
    queue_ping_ms: int = 0
    breaker_failures: int = 5
    breaker_open_ms: int = 5_000
    tls: Tls | None = None
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    proxy_protocol: bool = False
    forwarded_header: ForwardedHeader = "x-forwarded-for"
    access_log: AccessLogFiles | None = None
    cors_origins: tuple[str, ...] = ()
    hooks: Mapping[str, OutcomeHook] = NO_HOOKS

    def url(self, port: int) -> str:
        """Return the address that clients call, at a port: that of `port`, unless it was 0."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'http' if self.tls is None else 'https'}://{host}:{port}"

    @property
    def asked_header(self) -> bytes | None:
        """The header in which it is asked whose a request is; None when nobody asks."""
        asks = self.access_log is not None and self.trusted_proxies
        return self.forwarded_header.encode() if asks else None


HEAD_BYTES_MAX: Final = 64 << 10
HEADERS_MAX: Final = 100
PIPELINED_MAX: Final = 16

FRAMING_BYTES_MAX: Final = 16 << 10
"""What may come between two pieces of a body: a chunk's extensions, or trailers."""

PIECE_BYTES: Final = 16 << 10
"""How much is parsed at a time, so that what comes of nothing is noticed."""

WRITE_HIGH_WATER_BYTES: Final = 256 << 10
PENDING_BYTES_MAX: Final = 64 << 10
"""What waits for the end of a turn at most: one turn may read megabytes from a provider."""

SWEEP_MS: Final = 250
"""How often the sweep comes."""

LINGER_S: Final = 5
"""How long a client that was refused while it was sending may take to read why."""
