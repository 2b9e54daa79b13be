"""The proxies of `deploy/` with the files as they are shipped, in front of a gateway.

Changed in them are only addresses, certificates, how many connections there may be (which takes
more open files than every machine allows), and where nginx writes.
"""

import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme

from tests.node.harness import ROOT, until

DEPLOY = ROOT / "deploy"
STOP_S = 10
CONNECTIONS = 400
DIRECT = "direct"
"""No proxy: the clients call the gateway itself."""


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
        "maxconn 16000": f"maxconn {CONNECTIONS}",
        "127.0.0.1:8080": node,
    }
    return ["haproxy", "-db", "-f", str(adapt("haproxy.cfg", changes, directory))]


def nginx(node: str, port: int, directory: Path) -> list[str]:
    """Return the command that runs nginx with the shipped file."""
    changes = {
        "listen 443": f"listen 127.0.0.1:{port}",
        "/etc/headgate": str(directory),
        "127.0.0.1:8080": node,
        "worker_connections 16000": f"worker_connections {CONNECTIONS}",
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


@contextmanager
def trusted(proxy: Proxy) -> Iterator[None]:
    """Have the clients that this process makes meanwhile trust the proxy's authority alone."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SSL_CERT_FILE", str(proxy.authority))
        yield


@contextmanager
def in_front(name: str, url: str, directory: Path) -> Iterator[str]:
    """Give what clients call in place of a gateway's URL; skips when the proxy is not installed.

    Args:
        name: A proxy, or `DIRECT` for the gateway itself.
        url: Of the gateway, plain HTTP.
        directory: The proxy's own.
    """
    if name == DIRECT:
        yield url
        return
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    with running_proxy(name, url.removeprefix("http://"), directory) as proxy, trusted(proxy):
        yield proxy.url


FRONTS = (DIRECT, *(pytest.param(name, marks=pytest.mark.slow) for name in COMMANDS))
"""What stands in front of a gateway, for a fixture; the proxies are of the slow tier."""
