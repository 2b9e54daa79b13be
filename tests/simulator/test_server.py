"""The server: connections, the gate, the control surface, TLS, and the process."""

import asyncio
import base64
import json
import signal
import socket
import ssl
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import openai
import pytest
import trustme
from openai.types.chat import ChatCompletion, ChatCompletionMessageParam

import headgate.simulator
from headgate.simulator import INSTANT, Options, Simulator, SimulatorThread
from headgate.simulator.models import ProviderName
from headgate.simulator.received import BODY_BYTES_MAX, Received, ReceivedRequests

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "hello"}]
CHAT = {"model": "gpt-5.4", "messages": HELLO}


def test_bodies_are_kept_byte_for_byte(simulator: Simulator) -> None:
    """Odd spacing, key order, escapes and header spelling are recorded as they came."""
    message = rb'{"content":"\u00e9 \ud83d\ude00","role":"user"}'
    body = b'{ "messages":[%b],"model":"gpt-5.4" ,"x":1e0}' % message
    url = urlsplit(simulator.openai_url)
    connection = HTTPConnection(url.hostname or "", url.port, timeout=5)
    connection.request(
        "POST", "/v1/chat/completions?a=b", body, {"Authorization": "Bearer k", "X-Odd": "Yes"}
    )
    assert connection.getresponse().status == 200
    connection.close()

    received = simulator.received.last()

    assert received.body == body
    assert received.target == "/v1/chat/completions?a=b"
    assert ("X-Odd", "Yes") in received.headers
    assert received.header("x-odd") == "Yes"


def test_connections_are_kept_alive(simulator: Simulator) -> None:
    """One connection serves whole replies, streams and refusals in turn."""
    url = urlsplit(simulator.openai_url)
    connection = HTTPConnection(url.hostname or "", url.port, timeout=5)
    connection.connect()
    local = connection.sock.getsockname()
    headers = {"authorization": "Bearer k"}
    for body in (CHAT, {**CHAT, "stream": True}, {"model": "none"}, CHAT):
        connection.request("POST", "/v1/chat/completions", json.dumps(body), headers)
        connection.getresponse().read()
        assert connection.sock is not None
        assert connection.sock.getsockname() == local
    connection.close()


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("openai_url", "/v1/chat/completions"),
        ("openai_url", "/v1/responses"),
        ("anthropic_url", "/v1/messages"),
        ("gemini_url", "/v1beta/models/gemini-3.5-flash:generateContent"),
    ],
)
def test_a_body_nested_too_deeply_is_refused(simulator: Simulator, address: str, path: str) -> None:
    """It is answered, as a provider answers what it cannot read; the connection does not break."""
    url = urlsplit(getattr(simulator, address))
    connection = HTTPConnection(url.hostname or "", url.port, timeout=5)
    body = b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    headers = {"authorization": "Bearer k", "x-api-key": "k", "x-goog-api-key": "k"}
    connection.request("POST", path, body, {**headers, "anthropic-version": "2023-06-01"})

    assert connection.getresponse().status == 400
    connection.close()


def raw_exchange(simulator: Simulator, data: bytes) -> bytes:
    """Send bytes as they are and return all that comes back until the end."""
    url = urlsplit(simulator.openai_url)
    with socket.create_connection((url.hostname, url.port), timeout=5) as connection:
        connection.sendall(data)
        received = b""
        while piece := connection.recv(65536):
            received += piece
    return received


def test_pipelined_requests_are_answered_in_order(simulator: Simulator) -> None:
    """Requests sent ahead wait for the replies before them; the last one closes."""
    head = b"GET /v1/models/%b HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\n%b\r\n"

    requests = [
        head % (b"gpt-5.4", b""),
        head % (b"gpt-9", b""),
        head % (b"gpt-5.5", b"connection: close\r\n"),
    ]

    received = raw_exchange(simulator, b"".join(requests))

    statuses = [part[:3] for part in received.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"404", b"200"]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"what is this\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nx: " + b"y" * 64 * 1024, b"431"),
    ],
)
def test_broken_http_is_refused(simulator: Simulator, data: bytes, status: bytes) -> None:
    """What cannot be read as a request is answered with its status, and the connection closed."""
    assert raw_exchange(simulator, data).startswith(b"HTTP/1.1 " + status)


def test_large_bodies_are_asked_for(simulator: Simulator) -> None:
    """A client that expects 100 Continue gets it before the reply."""
    body = json.dumps(CHAT).encode()
    head = (
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\n"
        b"expect: 100-continue\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
    )

    received = raw_exchange(simulator, head % len(body) + body)

    assert received.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK")


def test_imports_nothing_of_the_gateway() -> None:
    """The simulators share no code with what they check."""
    folder = Path(headgate.simulator.__file__).parent
    imported = {
        line.split()[1]
        for file in folder.glob("*.py")
        for line in file.read_text().splitlines()
        if line.strip().startswith(("from headgate", "import headgate"))
    }

    assert imported
    assert all(name.startswith("headgate.simulator") for name in imported)


def test_recorded_requests_are_bounded() -> None:
    """Old requests go when the newer ones are too large together; the newest stays."""
    kept = ReceivedRequests()
    for number in range(3):
        body = bytes(BODY_BYTES_MAX // 2)
        kept.add(Received(ProviderName.OPENAI, "POST", str(number), (), body, 0))

    assert [entry.target for entry in kept.all()] == ["1", "2"]


def test_gate_holds_calls_until_released(
    simulator: Simulator, openai_client: openai.OpenAI
) -> None:
    """Closed, the gate counts the waiting; it lets some go, then all; nothing is billed before."""
    simulator.gate.close()
    before = simulator.bill.count

    def chat() -> ChatCompletion:
        return openai_client.chat.completions.create(model="gpt-5.4", messages=HELLO)

    with ThreadPoolExecutor(8) as threads:
        calls = [threads.submit(chat) for _ in range(8)]
        assert simulator.gate.wait(waiting=8, timeout_s=5)
        assert simulator.bill.count == before
        assert simulator.gate.release(3) == 3
        assert simulator.bill.wait(before + 3, timeout_s=5)
        assert simulator.gate.waiting == 5
        assert simulator.gate.release() == 5

        assert all(call.result(5).choices for call in calls)


def test_leaving_the_gate_bills_nothing(simulator: Simulator) -> None:
    """A client that gives up while it waits is forgotten."""
    simulator.gate.close()
    before = simulator.bill.count
    client = httpx2.Client(base_url=simulator.openai_url, headers={"authorization": "Bearer k"})

    with client, pytest.raises(httpx2.ReadTimeout):
        client.post("/chat/completions", json=CHAT, timeout=0.1)

    assert simulator.gate.wait_empty(timeout_s=5)
    simulator.gate.release()
    assert simulator.bill.count == before


def test_control_over_http(simulator: Simulator) -> None:
    """Faults, pace, gate, bill and received requests can be reached from another process."""
    key = {"authorization": "Bearer k"}
    with httpx2.Client(base_url=simulator.admin_url) as admin:
        fault = admin.post("faults", json={"kind": "server_error", "times": 1})
        pace = admin.post("pace", json={"ttft_ms": 0, "delay_ms": 0, "chunk_tokens": 5})
        statuses = [
            admin.post(f"{simulator.openai_url}/chat/completions", json=CHAT, headers=key)
            for _ in range(2)
        ]
        bill = admin.get("bill").json()
        gate = admin.post("gate/close").json()
        released = admin.post("gate/release", json={"count": None}).json()
        received = admin.get("received").json()["requests"][-1]
        wrong = [
            admin.post("faults", json={"kind": "earthquake"}),
            admin.post("faults", json={"kind": "cut", "tmies": 1}),
            admin.post("pace", json={"chunk_tokens": 0}),
            admin.post("gate/release", content=b"{"),
            admin.get("bill?last=x"),
        ]
        one = admin.get("bill?last=1").json()
        unknown = admin.get("weather")

    assert fault.json()["faults"][0]["kind"] == "server_error"
    assert pace.json()["chunk_tokens"] == 5
    assert [reply.status_code for reply in statuses] == [500, 200]
    assert Fraction(bill["total"]) == Fraction(bill["total_decimal"]) == simulator.bill.total
    assert bill["requests"][-1]["request_id"] == statuses[1].headers["x-request-id"]
    assert gate["closed"]
    assert not released["closed"]
    assert json.loads(base64.b64decode(received["body_base64"])) == CHAT
    assert [reply.status_code for reply in wrong] == [400] * 5
    assert len(one["requests"]) == 1
    assert unknown.status_code == 404


def test_tls(tmp_path: Path) -> None:
    """With a certificate both ports speak TLS."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    certificate.cert_chain_pems[0].write_to_path(cert)
    certificate.private_key_pem.write_to_path(key)
    trust = ssl.create_default_context()
    authority.configure_trust(trust)
    options = Options(pace=INSTANT, tls_cert=cert, tls_key=key)

    with SimulatorThread(options=options) as simulator, httpx2.Client(verify=trust) as client:
        reply = client.post(
            f"{simulator.openai_url}/chat/completions",
            json={**CHAT, "stream": True},
            headers={"authorization": "Bearer k"},
        )

    assert simulator.openai_url.startswith("https://")
    assert reply.text.endswith("data: [DONE]\n\n")


def test_runs_in_the_loop_of_the_caller() -> None:
    """`async with Simulator()` needs no thread; the same seed says the same."""

    async def first_words() -> str | None:
        async with (
            Simulator(seed=3, options=Options(pace=INSTANT)) as simulator,
            openai.AsyncOpenAI(api_key="k", base_url=simulator.openai_url) as client,
        ):
            reply = await client.chat.completions.create(model="gpt-5.4", messages=HELLO)
        return reply.choices[0].message.content

    assert asyncio.run(first_words()) == asyncio.run(first_words())


def test_runs_as_a_process(tmp_path: Path) -> None:
    """The command prints its addresses, logs its charges, and ends on SIGTERM."""
    log = tmp_path / "bill.jsonl"
    command = [sys.executable, "-m", "headgate.simulator", "--openai-port", "0"]
    command += [
        "--anthropic-port",
        "0",
        "--gemini-port",
        "0",
        "--azure-port",
        "0",
        "--json",
        "--bill-log",
        str(log),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        addresses = json.loads(process.stdout.readline())
        reply = httpx2.post(
            f"{addresses['anthropic']}/v1/messages",
            json={"model": "claude-opus-4-8", "max_tokens": 4, "messages": HELLO},
            headers={"x-api-key": "k", "anthropic-version": "2023-06-01"},
        )
        (line,) = log.read_text().splitlines()
        process.send_signal(signal.SIGTERM)
        status = process.wait(5)

    assert status == 0
    assert json.loads(line)["request_id"] == reply.headers["request-id"]
    assert json.loads(line)["amount"] == str(Fraction(3 * 5 + 4 * 25, 1_000_000))
