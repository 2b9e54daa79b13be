"""Faults: each does what its name says, and bills what such a fault bills."""

import json
import socket
from typing import Any
from urllib.parse import urlsplit

import anthropic
import httpx2
import openai
import pytest
from anthropic.types.shared import ErrorResponse
from openai.types.shared import ErrorObject

from headgate.simulator import Fault, FaultKind, Pace, ProviderName, Simulator

HELLO: Any = [{"role": "user", "content": "hello"}]
CHAT: Any = {"model": "gpt-5.4", "messages": HELLO}
MESSAGE: Any = {"model": "claude-sonnet-5", "max_tokens": 100, "messages": HELLO}


def send(simulator: Simulator, body: dict[str, Any]) -> socket.socket:
    """Send an OpenAI request and return the open connection."""
    url = urlsplit(simulator.openai_url)
    connection = socket.create_connection((url.hostname, url.port), timeout=5)
    raw = json.dumps(body).encode()
    connection.sendall(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer k\r\n"
        b"content-length: %d\r\n\r\n%b" % (len(raw), raw)
    )
    return connection


def read_all(connection: socket.socket) -> bytes:
    """Read until the provider closes the connection."""
    received = b""
    while data := connection.recv(65536):
        received += data
    connection.close()
    return received


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.RATE_LIMIT, openai.RateLimitError),
        (FaultKind.QUOTA, openai.RateLimitError),
        (FaultKind.OVERLOADED, openai.InternalServerError),
        (FaultKind.SERVER_ERROR, openai.InternalServerError),
        (FaultKind.BAD_GATEWAY, openai.InternalServerError),
        (FaultKind.UNAUTHORIZED, openai.AuthenticationError),
        (FaultKind.NOT_FOUND, openai.NotFoundError),
        (FaultKind.RESET, openai.APIConnectionError),
        (FaultKind.CUT, openai.APIConnectionError),
    ],
)
def test_openai_client_sees_the_fault(
    simulator: Simulator, openai_client: openai.OpenAI, kind: FaultKind, error: type[Exception]
) -> None:
    """The official client raises what it raises for the real provider."""
    simulator.faults.add(Fault(kind))

    with pytest.raises(error):
        openai_client.chat.completions.create(**CHAT)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.RATE_LIMIT, anthropic.RateLimitError),
        (FaultKind.QUOTA, anthropic.BadRequestError),
        (FaultKind.OVERLOADED, anthropic.InternalServerError),
        (FaultKind.SERVER_ERROR, anthropic.InternalServerError),
        (FaultKind.UNAUTHORIZED, anthropic.AuthenticationError),
        (FaultKind.NOT_FOUND, anthropic.NotFoundError),
        (FaultKind.RESET, anthropic.APIConnectionError),
    ],
)
def test_anthropic_client_sees_the_fault(
    simulator: Simulator,
    anthropic_client: anthropic.Anthropic,
    kind: FaultKind,
    error: type[Exception],
) -> None:
    """The official client raises what it raises for the real provider."""
    simulator.faults.add(Fault(kind, provider=ProviderName.ANTHROPIC))

    with pytest.raises(error):
        anthropic_client.messages.create(**MESSAGE)


def test_rate_limit_twice_then_fine(simulator: Simulator, check_strictly: Any) -> None:
    """A fault strikes as often as it says; the refusal has retry-after and bills nothing."""
    simulator.faults.add(Fault(FaultKind.RATE_LIMIT, times=2, retry_after_s=7))
    before = simulator.bill.count

    with httpx2.Client(base_url=simulator.openai_url, headers={"authorization": "Bearer k"}) as raw:
        replies = [raw.post("/chat/completions", json=CHAT) for _ in range(3)]

    assert [reply.status_code for reply in replies] == [429, 429, 200]
    assert replies[0].headers["retry-after"] == "7"
    check_strictly(ErrorObject, replies[0].json()["error"])
    assert simulator.bill.count == before + 1


@pytest.mark.parametrize(
    ("kind", "openai_status", "anthropic_status"),
    [
        ("rate_limit", 429, 429),
        ("quota", 429, 400),
        ("overloaded", 503, 529),
        ("server_error", 500, 500),
        ("unauthorized", 401, 401),
        ("not_found", 404, 404),
        ("error_event", 500, 500),
    ],
)
def test_refusals_have_the_official_shape(
    simulator: Simulator, check_strictly: Any, kind: str, openai_status: int, anthropic_status: int
) -> None:
    """Each refusal has its provider's status and, to the field, its provider's shape."""
    simulator.faults.add(Fault(FaultKind(kind), times=2))
    headers = {"authorization": "Bearer k", "anthropic-version": "2023-06-01"}

    with httpx2.Client(headers=headers) as raw:
        chat = raw.post(f"{simulator.openai_url}/chat/completions", json=CHAT)
        message = raw.post(f"{simulator.anthropic_url}/v1/messages?beta=true", json=MESSAGE)

    assert (chat.status_code, message.status_code) == (openai_status, anthropic_status)
    assert chat.json().keys() == {"error"}
    check_strictly(ErrorObject, chat.json()["error"])
    check_strictly(ErrorResponse, message.json())


def test_error_events_have_the_official_shape(simulator: Simulator, check_strictly: Any) -> None:
    """So has the event that tells of an error in mid-stream."""
    simulator.faults.add(Fault(FaultKind.ERROR_EVENT, times=2, after_chunks=1))
    headers = {"authorization": "Bearer k", "anthropic-version": "2023-06-01"}

    with httpx2.Client(headers=headers) as raw:
        chat = raw.post(f"{simulator.openai_url}/chat/completions", json={**CHAT, "stream": True})
        message = raw.post(
            f"{simulator.anthropic_url}/v1/messages", json={**MESSAGE, "stream": True}
        )

    chat_error = chat.text.removesuffix("\n\n").rpartition("\n\n")[2]
    name, data = message.text.removesuffix("\n\n").rpartition("\n\n")[2].split("\n")
    check_strictly(ErrorObject, json.loads(chat_error.removeprefix("data: "))["error"])
    assert name == "event: error"
    check_strictly(ErrorResponse, json.loads(data.removeprefix("data: ")))


def test_a_message_can_bring_its_own_fault(openai_client: openai.OpenAI) -> None:
    """A marker strikes only its own request, as often as it says for the same text."""
    marked: Any = {
        "model": "gpt-5.4",
        "messages": [{"role": "user", "content": "[sim:fault=overloaded][sim:times=1]"}],
    }

    with pytest.raises(openai.InternalServerError):
        openai_client.chat.completions.create(**marked)

    assert openai_client.chat.completions.create(**marked).choices


def test_unknown_markers_are_refused(openai_client: openai.OpenAI) -> None:
    """A misspelt marker is an error, not a silent nothing."""
    with pytest.raises(openai.BadRequestError, match="colour"):
        openai_client.chat.completions.create(
            model="gpt-5.4", messages=[{"role": "user", "content": "[sim:colour=red]"}]
        )


@pytest.mark.parametrize("after", [0, 3, 1000])
def test_cut_stream_bills_what_was_sent(simulator: Simulator, after: int) -> None:
    """A cut stream ends without its usage and its end marker, and bills the tokens it sent."""
    simulator.faults.add(Fault(FaultKind.CUT, times=1, after_chunks=after))

    received = read_all(send(simulator, {**CHAT, "stream": True}))

    charge = simulator.bill.entries[-1]
    assert b"[DONE]" not in received
    assert not received.endswith(b"0\r\n\r\n")
    assert charge.usage.output == min(2 * after, 40)
    assert charge.usage.prompt == 3
    assert not charge.completed


def test_error_event_ends_a_stream(
    simulator: Simulator, anthropic_client: anthropic.Anthropic, openai_client: openai.OpenAI
) -> None:
    """An error in mid-stream is raised by both clients; sent tokens are billed."""
    simulator.faults.add(Fault(FaultKind.ERROR_EVENT, times=2))

    with (
        pytest.raises(openai.APIError),
        openai_client.chat.completions.create(**CHAT, stream=True) as chunks,
    ):
        list(chunks)
    with (
        pytest.raises(anthropic.APIStatusError, match="Overloaded"),
        anthropic_client.messages.create(**MESSAGE, stream=True) as events,
    ):
        list(events)

    assert [charge.usage.output for charge in simulator.bill.entries[-2:]] == [6, 6]


def test_stall_never_answers(simulator: Simulator) -> None:
    """A stalled request gets no byte, and bills nothing when the client gives up."""
    simulator.faults.add(Fault(FaultKind.STALL, times=1))
    before = simulator.bill.count

    connection = send(simulator, CHAT)
    connection.settimeout(0.1)
    with pytest.raises(TimeoutError):
        connection.recv(1)
    connection.close()

    assert simulator.bill.count == before


def test_stalled_stream_is_billed_when_the_client_leaves(simulator: Simulator) -> None:
    """A stream that falls silent stays open; leaving it bills what was sent."""
    simulator.faults.add(Fault(FaultKind.STALL_STREAM, times=1, after_chunks=4))
    before = simulator.bill.count

    connection = send(simulator, {**CHAT, "stream": True})
    assert connection.recv(65536)
    assert simulator.generating == 1
    connection.close()

    assert simulator.bill.wait(before + 1, timeout_s=5)
    assert simulator.bill.entries[-1].usage.output == 8


def test_client_that_leaves_pays_for_what_was_sent(simulator: Simulator) -> None:
    """Closing a slow stream stops it, and bills fewer tokens than it would have had."""
    simulator.pace = Pace(ttft_ms=0, delay_ms=30_000, jitter_share=0)
    before = simulator.bill.count

    connection = send(simulator, {**CHAT, "stream": True})
    assert connection.recv(65536)
    connection.close()

    assert simulator.bill.wait(before + 1, timeout_s=5)
    assert simulator.bill.entries[-1].usage.output == 2
    assert not simulator.bill.entries[-1].completed


@pytest.mark.parametrize("streamed", [False, True])
def test_missing_usage(simulator: Simulator, openai_client: openai.OpenAI, streamed: bool) -> None:
    """A reply without usage is whole otherwise, and is billed all the same."""
    simulator.faults.add(Fault(FaultKind.NO_USAGE, times=1))

    if streamed:
        chunks = openai_client.chat.completions.create(
            **CHAT, stream=True, stream_options={"include_usage": True}
        )
        usages = [chunk.usage for chunk in chunks]
    else:
        usages = [openai_client.chat.completions.create(**CHAT).usage]

    assert set(usages) == {None}
    assert simulator.bill.entries[-1].usage.output == 40


def test_limit_can_be_ignored(simulator: Simulator, openai_client: openai.OpenAI) -> None:
    """A provider that ignores the output limit generates and bills beyond it."""
    simulator.faults.add(Fault(FaultKind.IGNORE_LIMIT, times=1))

    reply = openai_client.chat.completions.create(**CHAT, max_completion_tokens=100)

    assert reply.usage is not None
    assert reply.usage.completion_tokens == 210
    assert reply.choices[0].finish_reason == "stop"


@pytest.mark.parametrize("streamed", [False, True])
def test_close_delimited_reply(simulator: Simulator, streamed: bool) -> None:
    """The body has neither a length nor chunks, and ends with the connection."""
    simulator.faults.add(Fault(FaultKind.CLOSE_DELIMITED, times=1))

    head, _, body = read_all(send(simulator, {**CHAT, "stream": streamed})).partition(b"\r\n\r\n")

    assert b"content-length" not in head
    assert b"transfer-encoding" not in head
    assert body.endswith(b"data: [DONE]\n\n" if streamed else b"}")
