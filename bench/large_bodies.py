"""Large bodies beside small streams: whether a megabyte that is translated holds up the others."""

import http.client
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bench import processes, rounds
from bench.configuration import KEY
from bench.gateways import Gateway
from bench.report import Once

BODY_BYTES = 1 << 20
PER_S = 4


def first_byte(base: Gateway, node: Gateway, seconds: float) -> Once:
    """Return when streams begin beside megabytes and without; only the node translates them.

    The load's core serves the load and the provider as well, and what a megabyte costs there holds
    up streams too: the proxy's figures say how much that is.
    """
    return Once(
        f"first byte of translated streams, p50 and p99 in ms, beside {PER_S} bodies of 1 MB/s",
        *(_beside_and_without(gateway, seconds) for gateway in (base, node)),
    )


def _beside_and_without(gateway: Gateway, seconds: float) -> str:
    alone = rounds.send(gateway, rounds.SMALL_STREAMS, seconds)
    with _megabytes(gateway):
        beside = rounds.send(gateway, rounds.SMALL_STREAMS, seconds)
    return f"{_first_byte(beside)} (without: {_first_byte(alone)})"


def _first_byte(sent: rounds.Sent) -> str:
    return f"{sent.ttft_us_p50 / 1000:.2f}, {sent.ttft_us_p99 / 1000:.2f}"


@contextmanager
def _megabytes(gateway: Gateway) -> Iterator[None]:
    """Keep sending calls of a megabyte, from the load's core."""
    stop = threading.Event()

    def send() -> None:
        os.sched_setaffinity(0, {processes.LOAD_CORE})
        text = "word " * (BODY_BYTES // 5)
        body = json.dumps({"model": "t", "messages": [{"role": "user", "content": text}]}).encode()
        headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
        line = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=60)
        while not stop.wait(1 / PER_S):
            line.request("POST", "/v1/chat/completions", body, headers)
            answer = line.getresponse()
            if answer.status != 200:
                raise rounds.BadAnswersError(f"{answer.status}: {answer.read(300)!r}")
            answer.read()
            gateway.calls += 1
        line.close()

    sender = threading.Thread(target=send, name="megabytes")
    sender.start()
    try:
        yield
    finally:
        stop.set()
        sender.join()
