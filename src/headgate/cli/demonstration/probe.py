"""Measures what the gateway adds to the time to the first token, in pairs.

The same streamed request goes straight to a provider that answers at once and through the
gateway to another, by turns, on kept connections and without a client library.
"""

import json
import socket
import statistics
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from headgate.cli.demonstration.child import at_end_of_input, read_setup, tell
from headgate.cli.demonstration.messages import Added, ProbeSetup
from headgate.cli.demonstration.texts import markers

CALL_TIMEOUT_S = 10.0
WARM_UP_PAIRS = 3
PAIRS_FAST = 100
"""So many pairs follow each other at the pace that is asked for, the later ones slowly."""
SLOW_PAUSE_S = 1.0
SAMPLES_MAX = 1_000
RECEIVE_BYTES = 1 << 16
END_OF_BODY = b"0\r\n\r\n"


class ProbeError(Exception):
    """A reply was not what was expected."""


@dataclass(slots=True)
class Wire:
    """A kept connection, with the one request that goes over it again and again."""

    connection: socket.socket
    request: bytes

    def first_token_s(self) -> float:
        """Send the request and read the reply; return the seconds until its first event.

        Raises:
            ProbeError: The reply is not a stream.
            OSError: The connection broke.
        """
        started = time.perf_counter()
        self.connection.sendall(self.request)
        received = b""
        first_s = None
        while not received.endswith(END_OF_BODY):
            piece = self.connection.recv(RECEIVE_BYTES)
            received += piece
            if first_s is None and b"data: " in received:
                first_s = time.perf_counter() - started
            if not piece:
                raise ProbeError("the connection was closed within the reply")
            if not received.startswith(b"HTTP/1.1 200"[: len(received)]):
                raise ProbeError(received[:500].decode("latin-1"))
        assert first_s is not None, "a stream has events"
        return first_s


def open_wire(base_url: str, key: str, model: str) -> Wire:
    """Connect to an OpenAI endpoint, given by its base URL with `/v1`."""
    url = urlsplit(base_url)
    assert url.hostname is not None, base_url
    connection = socket.create_connection((url.hostname, url.port or 80), CALL_TIMEOUT_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    text = "How long until you speak?" + markers(ttft_ms=0, delay_ms=0, tokens=8)
    body = json.dumps(
        {
            "model": model,
            "messages": [{"role": "user", "content": text}],
            "max_completion_tokens": 64,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
    ).encode()
    head = (
        f"POST {url.path}/chat/completions HTTP/1.1\r\nhost: {url.netloc}\r\n"
        f"authorization: Bearer {key}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return Wire(connection, head.encode() + body)


class Pair(NamedTuple):
    """The two connections that are compared."""

    direct: Wire
    through: Wire

    def first_tokens_s(self, *, direct_first: bool) -> tuple[float, float]:
        """Return the seconds until the first event, straight and through the gateway.

        Raises:
            ProbeError: A reply is not a stream.
            OSError: A connection broke.
        """
        if direct_first:
            direct_s = self.direct.first_token_s()
            return direct_s, self.through.first_token_s()
        through_s = self.through.first_token_s()
        return self.direct.first_token_s(), through_s


def open_pair(setup: ProbeSetup) -> Pair:
    """Connect to both, and warm both up.

    Raises:
        ProbeError: A reply is not a stream.
        OSError: A connection cannot be made, or broke.
    """
    direct = open_wire(setup.direct, "simulated", "gpt-5.6-luna")
    pair = Pair(direct, open_wire(f"{setup.gateway}/v1", setup.key, "luna"))
    for _ in range(WARM_UP_PAIRS):
        pair.first_tokens_s(direct_first=True)
    return pair


def measure(setup: ProbeSetup, stopping: threading.Event) -> None:
    """Measure pair after pair, and tell the medians after each."""
    samples: deque[tuple[float, float]] = deque(maxlen=SAMPLES_MAX)
    pairs = 0
    pair: Pair | None = None
    pause_s = setup.pause_s
    while not stopping.wait(pause_s):
        try:
            pair = pair or open_pair(setup)
            samples.append(pair.first_tokens_s(direct_first=bool(pairs % 2)))
        except (ProbeError, OSError) as error:
            # No money left, say, or a worker that is being restarted: begin anew.
            sys.stderr.write(f"The probe could not measure: {error}\n")
            pair, pause_s = None, SLOW_PAUSE_S
            continue
        pairs += 1
        pause_s = setup.pause_s if pairs < PAIRS_FAST else SLOW_PAUSE_S
        tell(_added(pairs, samples))


def _added(pairs: int, samples: deque[tuple[float, float]]) -> Added:
    direct_ms = statistics.median(direct for direct, _ in samples) * 1_000
    through_ms = statistics.median(through for _, through in samples) * 1_000
    return Added(pairs, direct_ms, through_ms, through_ms - direct_ms)


def main() -> None:
    """Measure until the demonstration ends."""
    stopping = threading.Event()
    setup = read_setup(ProbeSetup)
    at_end_of_input(stopping.set)
    tell(Added())
    measure(setup, stopping)


if __name__ == "__main__":
    main()
