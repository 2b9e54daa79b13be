"""What proxies are known to spoil, with the files of `deploy/` between official clients and a node.

Every call of the matrix goes through them too, in the slow tier; this is the share for each day.
"""

import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import types
from mistralai.client import Mistral

from headgate.simulator import INSTANT, Simulator
from tests.clients.fronts import COMMANDS, Proxy, running_proxy, trusted
from tests.node.harness import TestNode

HELLO: Any = [{"role": "user", "content": "hello"}]
CHAT: Any = {"model": "mini", "messages": HELLO, "max_completion_tokens": 100}
MESSAGE: Any = {"model": "haiku", "messages": HELLO, "max_tokens": 100}


@pytest.fixture(scope="module", params=COMMANDS)
def proxy(
    request: pytest.FixtureRequest, running: TestNode, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    """Each proxy in its turn, trusted by the clients."""
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    address = running.gateway_url.removeprefix("http://")
    folder = tmp_path_factory.mktemp(request.param)
    with running_proxy(request.param, address, folder) as one, trusted(one):
        yield one


@pytest.fixture
def through_openai(node: TestNode, proxy: Proxy) -> Iterator[openai.OpenAI]:
    """OpenAI's client in front of the proxy."""
    with openai.OpenAI(
        api_key=node.key(), base_url=f"{proxy.url}/v1", max_retries=0, timeout=20
    ) as client:
        yield client


@pytest.fixture
def through_anthropic(node: TestNode, proxy: Proxy) -> Iterator[anthropic.Anthropic]:
    """Anthropic's client in front of the proxy."""
    with anthropic.Anthropic(
        api_key=node.key(), base_url=proxy.url, max_retries=0, timeout=20
    ) as client:
        yield client


def test_plain_calls_pass(
    through_openai: openai.OpenAI, through_anthropic: anthropic.Anthropic
) -> None:
    """Whole replies come through, and headers with what they cost."""
    chat = through_openai.chat.completions.with_raw_response.create(**CHAT)
    message = through_anthropic.messages.with_raw_response.create(**MESSAGE)

    assert chat.parse().choices[0].message.content
    assert message.parse().content
    for reply in (chat, message):
        assert float(reply.headers["x-headgate-cost-usd"]) > 0


def test_errors_pass(through_openai: openai.OpenAI) -> None:
    """A refusal reaches the client as what it is."""
    with pytest.raises(openai.NotFoundError) as refused:
        through_openai.chat.completions.create(**{**CHAT, "model": "nothing"})

    assert refused.value.code == "model_unknown"


def test_a_large_body_passes(through_anthropic: anthropic.Anthropic, simulator: Simulator) -> None:
    """More than a megabyte, which is where nginx stops by itself, arrives whole."""
    text = "word " * 220_000
    message = {**MESSAGE, "model": "opus", "messages": [{"role": "user", "content": text}]}
    reply = through_anthropic.messages.create(**message)

    assert reply.content
    assert len(simulator.received.last().body) > len(text)


@pytest.fixture
def paced(simulator: Simulator) -> Iterator[None]:
    """Pieces of a stream come one after the other."""
    simulator.pace = replace(INSTANT, delay_ms=10)
    yield
    simulator.pace = INSTANT


def stream_openai(url: str, key: str) -> Iterator[Any]:
    """Stream by OpenAI's client."""
    with openai.OpenAI(api_key=key, base_url=f"{url}/v1", max_retries=0) as client:
        yield from client.chat.completions.create(**CHAT, stream=True)


def stream_anthropic(url: str, key: str) -> Iterator[Any]:
    """Stream by Anthropic's client."""
    with anthropic.Anthropic(api_key=key, base_url=url, max_retries=0) as client:
        yield from client.messages.create(**MESSAGE, stream=True)


def stream_google(url: str, key: str) -> Iterator[Any]:
    """Stream by Google's client."""
    client = genai.Client(api_key=key, http_options=types.HttpOptions(base_url=url))
    yield from client.models.generate_content_stream(model="flash", contents="hello")
    client.close()


def stream_mistral(url: str, key: str) -> Iterator[Any]:
    """Stream by Mistral's client."""
    with Mistral(api_key=key, server_url=url) as client:
        yield from client.chat.stream(model="mini", messages=HELLO)


@pytest.mark.usefixtures("paced")
@pytest.mark.parametrize("stream", [stream_openai, stream_anthropic, stream_google, stream_mistral])
def test_streams_pass_as_they_come(
    node: TestNode,
    proxy: Proxy,
    simulator: Simulator,
    stream: Callable[[str, str], Iterator[Any]],
) -> None:
    """The first piece is there before the provider has sent, and billed, the last."""
    billed = simulator.bill.count
    pieces = stream(proxy.url, node.key())

    assert next(pieces)
    assert simulator.bill.count == billed
    assert len(list(pieces)) > 2
    assert simulator.bill.count == billed + 1


def test_clients_may_speak_http_2(node: TestNode, proxy: Proxy) -> None:
    """The proxy offers HTTP/2, and a call made in it is answered."""
    context = ssl.create_default_context(cafile=proxy.authority)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", proxy.port)) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as secure,
    ):
        assert secure.selected_alpn_protocol() == "h2"
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    asked = ["curl", "-sS", "--http2", "--cacert", str(proxy.authority), "--max-time", "20"]
    asked += ["-H", f"authorization: Bearer {node.key()}", "-w", " %{http_version} %{http_code}"]
    said = subprocess.run([*asked, f"{proxy.url}/v1/models"], capture_output=True, check=True)

    assert said.stdout.endswith(b" 2 200")
