"""What the configuration says of the data plane's edge: address and limits."""

from typing import NamedTuple

from headgate.capacity.places import AGE_MS


class Edge(NamedTuple):
    """Where the data plane listens, and the bounds it keeps.

    Attributes:
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
        drain_timeout_ms: How long running calls may take when the gateway stops.
        retire_timeout_ms: How long running calls may take after the configuration has changed.
        client_drain_ms: How long a reply is read on after its client went away (`drain`).
        retries_percent: How many further attempts calls may make, per hundred calls.
        retries_burst: How many of them can be saved up.
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
    drain_timeout_ms: int = 30_000
    retire_timeout_ms: int = 3_600_000
    client_drain_ms: int = 60_000
    retries_percent: int = 20
    retries_burst: int = 500
    breaker_failures: int = 5
    breaker_open_ms: int = 5_000


HEAD_BYTES_MAX = 64 << 10
HEADERS_MAX = 100
PIPELINED_MAX = 16

FRAMING_BYTES_MAX = 16 << 10
"""What may come between two pieces of a body: a chunk's extensions, or trailers."""

PIECE_BYTES = 16 << 10
"""How much is parsed at a time, so that what comes of nothing is noticed."""

WRITE_HIGH_WATER_BYTES = 256 << 10
PENDING_BYTES_MAX = 64 << 10
"""What waits for the end of a turn at most: one turn may read megabytes from a provider."""

LINGER_S = 5
"""How long a client that was refused while it was sending may take to read why."""
