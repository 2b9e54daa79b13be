"""The gate for programs of a suite: their calls are of one run, and nothing else gets through."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from socket import create_connection
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest

from headgate.economics.suites.load_relay import Relay
from headgate.gateway.listener.own import Place
from headgate.simulator import INSTANT, Options, Simulator, SimulatorThread

REAL = "hg_real_key"
BODY: dict[str, Any] = {
    "model": "gpt-5.4-mini",
    "messages": [{"role": "user", "content": "Hi [sim:tokens=3]"}],
}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """What stands behind: a server that keeps the requests as they came."""
    with SimulatorThread(seed=5, options=Options(pace=INSTANT)) as running:
        yield running


@pytest.fixture(scope="module")
def relay(simulator: Simulator) -> Iterator[Relay]:
    """The gate before it."""
    place = Place(simulator.openai_url.removesuffix("/v1"))
    with closing(Relay(place, REAL)) as running:
        yield running


def ask(relay: Relay, method: str, path: str, headers: dict[str, str]) -> tuple[int, Any]:
    """Send a request; return the status and the document."""
    line = HTTPConnection("127.0.0.1", urlsplit(relay.url).port, timeout=10)
    with closing(line):
        line.request(method, path, json.dumps(BODY) if method == "POST" else None, headers)
        reply: HTTPResponse = line.getresponse()
        return reply.status, json.loads(reply.read())


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_is_of_the_programs_run_whatever_it_says(
    relay: Relay, simulator: Simulator, stream: bool
) -> None:
    """The official client is answered; the key and the run are not the program's to choose."""
    told = {"x-headgate-run": "other", "x-headgate-outcome": "call_x=good", "x-headgate-task": "t"}
    told |= {"x-forwarded-for": "192.0.2.1", "Forwarded": "for=192.0.2.1"}
    with relay.guest("eval-1") as (key, _), openai.OpenAI(
        api_key=key, base_url=f"{relay.url}/v1", max_retries=0
    ) as client:  # fmt: skip
        create: Any = client.chat.completions.create
        reply = create(**BODY, stream=stream, extra_headers=told)
        if stream:
            words = [each.choices[0].delta.content for each in reply if each.choices]
            assert any(words)
        else:
            assert reply.choices[0].message.content

    headers = {name.lower(): value for name, value in simulator.received.all()[-1].headers}
    assert headers["authorization"] == f"Bearer {REAL}"
    assert headers["x-headgate-run"] == "eval-1"
    assert headers["x-headgate-task"] == "t"
    assert not {"x-headgate-outcome", "x-forwarded-for", "forwarded"} & set(headers)
    assert key not in str(headers)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/models", 200),
        ("POST", "/v1/chat/completions", 200),
        ("POST", "/v1/runs", 404),
        ("GET", "/v1/runs", 404),
        ("POST", "/v1/feedback", 404),
        ("POST", "/v1/batches", 404),
        ("POST", "/v1/messages/batches", 404),
        ("GET", "/v1/calls/call_x", 404),
        ("POST", "/v1/chat/completions/../../runs", 404),
    ],
)
def test_calls_of_models_get_through_and_nothing_else(
    relay: Relay, simulator: Simulator, method: str, path: str, status: int
) -> None:
    """Whatever else the real key may do, a program may not."""
    before = len(simulator.received.all())

    with relay.guest("eval-2") as (key, _):
        found, _ = ask(relay, method, path, {"x-api-key": key})

    assert found == status
    assert len(simulator.received.all()) - before == (status == 200)


def test_a_key_is_good_until_its_program_has_ended(relay: Relay) -> None:
    """Before and after it is as unknown as any, and so is the real one."""
    with relay.guest("eval-3") as (key, _):
        during, _ = ask(relay, "GET", f"/v1/models?key={key}", {})
    after, document = ask(relay, "GET", "/v1/models", {"authorization": f"Bearer {key}"})
    real, _ = ask(relay, "GET", "/v1/models", {"authorization": f"Bearer {REAL}"})

    assert (during, after, real) == (200, 401, 401)
    assert "while it runs" in document["error"]["message"]


def test_a_path_that_no_request_can_have_is_answered(relay: Relay) -> None:
    """A program may send any bytes, and is told that nothing came of them."""
    with relay.guest("eval-5") as (key, _):
        raw = f"GET /v1/models/\xe4 HTTP/1.1\r\nhost: relay\r\nx-api-key: {key}\r\n\r\n"
        with create_connection(("127.0.0.1", urlsplit(relay.url).port or 0), 10) as line:
            line.sendall(raw.encode("latin-1"))
            answer = line.recv(1 << 16)

    assert answer.startswith(b"HTTP/1.1 502 ")


def test_a_call_ends_with_its_program(relay: Relay, simulator: Simulator) -> None:
    """The gateway sees that nobody waits any more, and need not hold money for it."""
    simulator.gate.close()
    with ThreadPoolExecutor(1) as pool:
        with relay.guest("eval-4") as (key, _):
            asking = pool.submit(ask, relay, "POST", "/v1/chat/completions", {"x-api-key": key})
            waited = simulator.gate.wait(1, 5)
        left = simulator.gate.wait_empty(5)
        simulator.gate.release()
        status, _ = asking.result(10)

    assert waited
    assert left
    assert status == 502


def test_a_gateway_that_is_gone_is_a_502() -> None:
    """A program hears why, and its client may try again."""
    with closing(Relay(Place("http://127.0.0.1:9"), REAL)) as relay, relay.guest("r") as (key, _):
        status, document = ask(relay, "GET", "/v1/models", {"x-api-key": key})

    assert status == 502
    assert "does not answer" in document["error"]["message"]
