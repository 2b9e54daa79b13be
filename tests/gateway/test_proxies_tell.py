"""The shipped proxies tell whose a call is, and a client that says something else is not heard."""

import json
import shutil
import socket
import ssl
from pathlib import Path

import pytest

from tests.clients.fronts import running_proxy
from tests.gateway.conftest import Start

CONFIG = '[listen]\ntrusted_proxies = ["127.0.0.1"]\n{more}\n[access_log]\nfolder = "{folder}/log"'
ASK = (
    b"GET /healthz HTTP/1.1\r\nhost: gateway\r\nx-forwarded-for: 6.6.6.6\r\n"
    b"forwarded: for=6.6.6.6\r\nconnection: close\r\n\r\n"
)
US = "127.0.0.2"
"""Another address of this machine, which is no trusted proxy's."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "greets"), [("haproxy", False), ("haproxy", True), ("nginx", False)]
)
def test_the_log_has_the_client_of_a_proxy(
    start: Start, tmp_path: Path, name: str, greets: bool
) -> None:
    """By the header, and by the PROXY protocol, version 2."""
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    try:
        socket.create_server((US, 0)).close()
    except OSError:
        pytest.skip(f"{US} is no address of this machine")
    more = "proxy_protocol = true" if greets else ""
    gateway = start(more=CONFIG.format(folder=tmp_path, more=more))
    log = tmp_path / "log" / "worker-0.jsonl"

    with running_proxy(name, f"127.0.0.1:{gateway.port}", tmp_path, greets=greets) as proxy:
        context = ssl.create_default_context(cafile=proxy.authority)
        with (
            socket.create_connection(("127.0.0.1", proxy.port), source_address=(US, 0)) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as line,
        ):
            line.sendall(ASK)
            assert b" 200 " in line.recv(4_096)
        gateway.until(lambda: log.exists() and "/healthz" in log.read_text(), "it is logged")

    said = [json.loads(each) for each in log.read_text().splitlines()]
    assert [each["client"] for each in said if each["path"] == "/healthz"] == [US]
