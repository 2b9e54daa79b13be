"""The files of `deploy/` as they are shipped, each between the official clients and a real node.

Changed in them are only addresses, certificates, how many connections there may be (which takes
more open files than every machine allows), and where nginx writes.
"""

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import anthropic
import httpx2
import openai
import pytest
import trustme

from headgate.simulator import INSTANT, Simulator
from tests.node.harness import ROOT, TestNode, until

DEPLOY = ROOT / "deploy"
STOP_S = 10
HELLO: Any = [{"role": "user", "content": "hello"}]
CHAT: Any = {"model": "mini", "messages": HELLO, "max_completion_tokens": 100}
MESSAGE: Any = {"model": "haiku", "messages": HELLO, "max_tokens": 100}


class Proxy(NamedTuple):
    """A proxy that runs, and who vouches for it."""

    url: str
    port: int
    authority: Path


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def adapt(name: str, changes: Mapping[str, str], directory: Path) -> Path:
    """Write a shipped file with other addresses; what is replaced must stand in it."""
    text = (DEPLOY / name).read_text(encoding="utf-8")
    for shipped, here in changes.items():
        assert shipped in text, f"{name} says nothing of {shipped}"
        text = text.replace(shipped, here)
    path = directory / name
    path.write_text(text, encoding="utf-8")
    return path


def haproxy(node: str, port: int, directory: Path) -> list[str]:
    """Return the command that runs HAProxy with the shipped file."""
    changes = {
        "bind :443": f"bind 127.0.0.1:{port}",
        "/etc/headgate/tls.pem": f"{directory}/tls.pem",
        "maxconn 16000": "maxconn 100",
        "127.0.0.1:8080": node,
    }
    return ["haproxy", "-db", "-f", str(adapt("haproxy.cfg", changes, directory))]


def nginx(node: str, port: int, directory: Path) -> list[str]:
    """Return the command that runs nginx with the shipped file."""
    changes = {
        "listen 443": f"listen 127.0.0.1:{port}",
        "/etc/headgate": str(directory),
        "127.0.0.1:8080": node,
        "worker_connections 16000": "worker_connections 100",
        "/run/nginx.pid": f"{directory}/nginx.pid",
        "/var/log/nginx": str(directory),
        "http {\n": f"http {{\n    client_body_temp_path {directory}/bodies;\n",
    }
    path = str(adapt("nginx.conf", changes, directory))
    errors = f"{directory}/error.log"
    return ["nginx", "-p", str(directory), "-e", errors, "-c", path, "-g", "daemon off;"]


def haproxy_that_greets(node: str, port: int, directory: Path) -> list[str]:
    """Return the command that runs HAProxy with what the guide adds for the PROXY protocol."""
    command = haproxy(node, port, directory)
    path = Path(command[-1])
    path.write_text(path.read_text().replace(f"{node} check", f"{node} check send-proxy-v2"))
    return command


COMMANDS = {"haproxy": haproxy, "nginx": nginx}
GREETING = {"haproxy": haproxy_that_greets}


@contextmanager
def running_proxy(
    name: str, node: str, directory: Path, *, greets: bool = False
) -> Iterator[Proxy]:
    """Run a proxy in front of a gateway's host and port until it accepts connections."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(directory / "ca.pem")
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(directory / "tls.pem")
    certificate.private_key_pem.write_to_path(directory / "tls.key")
    port = free_port()
    command = (GREETING if greets else COMMANDS)[name](node, port, directory)
    with (directory / "output").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            until(lambda: _serves(process, port, directory), f"{name} accepts connections")
            yield Proxy(f"https://127.0.0.1:{port}", port, directory / "ca.pem")
        finally:
            process.terminate()
            process.wait(STOP_S)


def _serves(process: subprocess.Popen[bytes], port: int, directory: Path) -> bool:
    assert process.poll() is None, (directory / "output").read_text()
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module", params=COMMANDS)
def proxy(
    request: pytest.FixtureRequest, running: TestNode, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    """Each proxy in its turn."""
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    address = running.gateway_url.removeprefix("http://")
    with running_proxy(request.param, address, tmp_path_factory.mktemp(request.param)) as one:
        yield one


@pytest.fixture
def http_client(proxy: Proxy) -> Iterator[httpx2.Client]:
    """What the official clients speak with; it trusts the proxy's authority alone."""
    with httpx2.Client(verify=ssl.create_default_context(cafile=proxy.authority)) as client:
        yield client


@pytest.fixture
def through_openai(
    node: TestNode, proxy: Proxy, http_client: httpx2.Client
) -> Iterator[openai.OpenAI]:
    """OpenAI's client in front of the proxy."""
    yield openai.OpenAI(
        api_key=node.key(), base_url=f"{proxy.url}/v1", max_retries=0, http_client=http_client
    )


@pytest.fixture
def through_anthropic(
    node: TestNode, proxy: Proxy, http_client: httpx2.Client
) -> Iterator[anthropic.Anthropic]:
    """Anthropic's client in front of the proxy."""
    yield anthropic.Anthropic(
        api_key=node.key(), base_url=proxy.url, max_retries=0, http_client=http_client
    )


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


@pytest.mark.usefixtures("paced")
def test_streams_pass_as_they_come(
    through_openai: openai.OpenAI, through_anthropic: anthropic.Anthropic, simulator: Simulator
) -> None:
    """The first piece is there before the provider has sent, and billed, the last."""
    billed = simulator.bill.count
    chunks = through_openai.chat.completions.create(**CHAT, stream=True)
    assert next(chunks).choices
    assert simulator.bill.count == billed
    assert list(chunks)[-1].choices[0].finish_reason == "stop"

    billed = simulator.bill.count
    events = through_anthropic.messages.create(**MESSAGE, stream=True)
    assert next(events).type == "message_start"
    assert simulator.bill.count == billed
    assert list(events)[-1].type == "message_stop"


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
