"""A node that speaks TLS: several workers, certificates that change, reloads."""

import json
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme
from openai import DefaultHttpxClient, OpenAI

from headgate.cli.doctor_checks import check_gateway
from headgate.config.load import load
from headgate.node.supervisor import LISTEN_FIX, _reserve
from headgate.units.errors import StoreError
from tests.gateway.calls import chat, request
from tests.gateway.test_listener_tls import put, trusting
from tests.gateway.wire import ClosedError, Wire
from tests.node.harness import TestNode, running_node, until
from tests.node.test_reload import changed, reload

PATIENCE_S = 60.0


def shown(node: TestNode, authority: trustme.CA) -> str:
    """Return the serial number of the certificate that a new connection is shown."""
    address = urlsplit(node.gateway_url)
    assert address.port is not None
    with (
        socket.create_connection(("127.0.0.1", address.port), timeout=PATIENCE_S) as plain,
        trusting(authority).wrap_socket(plain, server_hostname="localhost") as line,
    ):
        found = line.getpeercert()
        assert found is not None
        return str(found["serialNumber"])


@pytest.mark.slow
def test_a_certificate_is_renewed_under_two_workers(tmp_path: Path) -> None:
    """A file that changes is shown by both within seconds, a reload brings another path, and one
    that names no good file is refused; calls are served throughout.
    """
    authority = trustme.CA()
    put(tmp_path, authority.issue_cert("localhost", "127.0.0.1"))
    extra = f'[tls]\ncertificate = "{tmp_path}/tls.pem"\nkey = "{tmp_path}/tls.key"\n'
    with running_node(tmp_path / "node", workers=2, extra=extra) as node:
        assert node.gateway_url.startswith("https://127.0.0.1:")
        client = OpenAI(
            base_url=f"{node.gateway_url}/v1",
            api_key=node.key(),
            http_client=DefaultHttpxClient(verify=trusting(authority)),
        )
        ask(client)
        before = shown(node, authority)

        put(tmp_path, authority.issue_cert("localhost", "127.0.0.1"))
        until(
            lambda: before not in {shown(node, authority) for _ in range(16)},
            "both workers show the new one",
            PATIENCE_S,
        )
        ask(client)
        with changed(node, (f'"{tmp_path}/tls.pem"', f'"{tmp_path}/none.pem"')):
            code, view = reload(node)
            assert code != 0
            assert "cannot be used" in view.problems[0].problem
        (tmp_path / "tls.pem").rename(tmp_path / "moved.pem")
        with changed(node, (f'"{tmp_path}/tls.pem"', f'"{tmp_path}/moved.pem"')):
            assert reload(node)[0] == 0
            ask(client)
            edge = load(node.config, {}).edge
            port = urlsplit(node.gateway_url).port or 0
            assert check_gateway(edge._replace(port=port)).status == "ok"
        node.await_nothing_held()
        client.close()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has memory without a name")
def test_a_worker_that_starts_while_the_certificate_is_bad_shows_the_last_good_one(
    tmp_path: Path,
) -> None:
    """So a node outlives a renewal that failed and a worker that dies then; a good certificate is
    taken up as ever, and is the one that the next worker shows.
    """
    authority = trustme.CA()
    names = ("localhost", "127.0.0.1")
    put(tmp_path, authority.issue_cert(*names))
    extra = f'[tls]\ncertificate = "{tmp_path}/tls.pem"\nkey = "{tmp_path}/tls.key"\n'
    with running_node(tmp_path / "node", extra=extra) as node:
        client = OpenAI(
            base_url=f"{node.gateway_url}/v1",
            api_key=node.key(),
            http_client=DefaultHttpxClient(verify=trusting(authority)),
        )
        first = shown(node, authority)
        (tmp_path / "tls.pem").write_text("half a certif")
        replaced(node)
        ask(client)
        assert shown(node, authority) == first

        put(tmp_path, authority.issue_cert(*names))
        until(lambda: shown(node, authority) != first, "the new one is shown", PATIENCE_S)
        second = shown(node, authority)
        reload(node)
        (tmp_path / "tls.key").unlink()
        replaced(node)
        ask(client)
        assert shown(node, authority) == second
        client.close()


@pytest.mark.slow
def test_a_node_that_only_proxies_may_call_is_ready_and_logs(tmp_path: Path) -> None:
    """Its supervisor asks as one who speaks for itself; what was not written of the log when the
    node is told to stop is written at its end.
    """
    extra = f'[access_log]\nfolder = "{tmp_path}/log"\n'
    listen = '127.0.0.1:0"\ntrusted_proxies = ["127.0.0.1"]\nproxy_protocol = true'
    greeting = b"PROXY TCP4 198.51.100.9 127.0.0.1 4711 8080\r\n"
    with running_node(tmp_path / "node", extra=extra, start=False) as node:
        with_proxy = node.config.read_text().replace('127.0.0.1:0"', listen, 1)
        node.config.write_text(with_proxy)
        node.start()
        port = urlsplit(node.gateway_url).port
        assert port is not None
        with Wire(port, before=greeting) as wire:
            raw = request(chat(), key=node.key())
            assert wire.send(raw).read().status == 200
        with Wire(port) as wire, pytest.raises(ClosedError):
            wire.send(raw).read()
        node.await_nothing_held()
        node.stop()

    lines = (tmp_path / "log" / "worker-0.jsonl").read_text().splitlines()
    *asked, said = (json.loads(line) for line in lines)
    assert {(each["client"], each["path"]) for each in asked} == {("127.0.0.1", "/readyz")}
    assert (said["client"], said["principal"]) == ("198.51.100.9", "alice")


def replaced(node: TestNode) -> None:
    """Kill the worker and wait until another one lets clients in."""
    dead = node.kill("worker-0")
    none = (None, dead)
    until(
        lambda: node._pid_or_none("worker-0") not in none,
        "another worker lets clients in",
        PATIENCE_S,
    )


def ask(client: OpenAI) -> None:
    """Make a call, which must be served."""
    message = {"role": "user", "content": "Hello"}
    reply = client.chat.completions.create(model="mini", messages=[message])  # type: ignore[list-item] # a plain dictionary will do
    assert reply.usage is not None


def test_an_address_that_is_taken_is_told_with_what_to_do() -> None:
    """Most often another node listens there already."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(StoreError, match="cannot be listened on") as error:
            _reserve("127.0.0.1", taken.getsockname()[1])

    assert error.value.fix == LISTEN_FIX
