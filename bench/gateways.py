"""The two that are always compared: nginx as a plain proxy, and a whole node of Headgate."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from bench import package, processes
from bench.configuration import KEY
from bench.tools import BUILD

UPSTREAM_PORT = 9105
TLS_FRONT_PORT = 9106
READY_TIMEOUT_S = 30
ROOT = Path(__file__).resolve().parents[1]


class NotReadyError(Exception):
    """A gateway did not start; the message has the end of its log."""


@dataclass(frozen=True, slots=True)
class Trust:
    """Files of a certificate authority made for one run, and of the certificate it signed."""

    ca_file: Path
    certificate: Path


@dataclass(frozen=True, slots=True)
class Asked:
    """How calls are put to a gateway that is not asked as OpenAI is.

    Attributes:
        path: Of chat completions.
        before_model: What its models' names begin with.
        headers: Whole header lines that it needs, without the end of the last; empty: none.
    """

    path: str = "/v1/chat/completions"
    before_model: str = ""
    headers: str = ""


@dataclass(slots=True)
class Gateway:
    """A gateway that runs.

    Attributes:
        worker: Process id of the worker alone; None where the gateway is one process.
        pids: Every process of it; processes that restart are not followed.
        asked: How calls are put to it.
        calls: How many it has answered well that were not streamed.
        streams: How many streams it has carried to their end.
    """

    name: str
    port: int
    process: subprocess.Popen[bytes]
    worker: int | None = None
    pids: Sequence[int] = field(default_factory=tuple)
    asked: Asked = Asked()
    calls: int = 0
    streams: int = 0

    def stop(self) -> None:
        """End it."""
        processes.stop(self.process)


def start_nginx(port: int, trust: Trust | None = None) -> Gateway:
    """Start nginx as a proxy to the upstream; with `trust`, over TLS to the front of it."""
    config = BUILD / f"nginx-{port}.conf"
    config.write_text(proxy_conf(port, trust), encoding="utf-8")
    return _started("nginx", port, nginx_command(config), "/healthz")


def start_tls_front(trust: Trust) -> subprocess.Popen[bytes]:
    """Start what ends TLS in front of the upstream, on the core of the load."""
    config = BUILD / "tls-front.conf"
    config.write_text(front_conf(trust), encoding="utf-8")
    return processes.start(nginx_command(config), processes.LOAD_CORE, BUILD / "tls-front.log")


def start_headgate(
    port: int,
    trust: Trust | None = None,
    *,
    workers: int = 1,
    cores: int | str = processes.GATEWAY_CORE,
) -> Gateway:
    """Start a node; with `trust`, it calls the upstream over TLS."""
    command = [*launch_command(port, trust), "--workers", str(workers)]
    gateway = _started("headgate", port, command, "/readyz", cores)
    run_dir = BUILD / f"data-{port}" / "run"
    gateway.worker = int((run_dir / "worker-0.pid").read_text())
    return gateway


def launch_command(port: int, trust: Trust | None = None) -> list[str]:
    """Return the command that starts this checkout's Headgate, whatever else is installed."""
    command = ["env", f"PYTHONPATH={package.path()}{os.pathsep}{ROOT}", sys.executable]
    command += ["-m", "bench.launch", "--port", str(port)]
    if trust is None:
        return [*command, "--upstream", f"http://127.0.0.1:{UPSTREAM_PORT}"]
    upstream = f"https://127.0.0.1:{TLS_FRONT_PORT}"
    return [*command, "--upstream", upstream, "--ca-file", str(trust.ca_file)]


def nginx_command(config: Path) -> list[str]:
    """Return the command that runs nginx on a configuration, in the foreground."""
    return ["nginx", "-p", str(BUILD), "-e", "stderr", "-c", str(config)]


def _started(
    name: str,
    port: int,
    command: Sequence[str],
    path: str,
    cores: int | str = processes.GATEWAY_CORE,
) -> Gateway:
    log = BUILD / f"{name}-{port}.log"
    gateway = Gateway(name, port, processes.start(command, cores, log))
    return when_ready(gateway, log, lambda: answers(port, path))


def when_ready(
    gateway: Gateway, log: Path, ready: Callable[[], bool], timeout_s: float = READY_TIMEOUT_S
) -> Gateway:
    """Wait until a gateway that was started is ready, and note its processes.

    Raises:
        NotReadyError: It ended, or took too long; then it is stopped.
    """
    deadline_s = time.monotonic() + timeout_s
    while not ready():
        if gateway.process.poll() is not None or time.monotonic() > deadline_s:
            gateway.stop()
            raise NotReadyError(f"{gateway.name} does not start: {log.read_text()[-800:]}")
        time.sleep(0.05)
    gateway.pids = tuple(processes.family(gateway.process.pid))
    return gateway


def accepts(port: int) -> bool:
    """Tell whether somebody listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def answers(port: int, path: str) -> bool:
    """Tell whether whoever listens on a port answers a path with 200."""
    connection = HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


_COMMON = """\
daemon off; worker_processes 1; error_log stderr warn;
events { worker_connections 16384; multi_accept on; }
"""
_HTTP = (
    "access_log off; keepalive_requests 100000000; "
    "client_body_buffer_size 256k; client_max_body_size 32m;"
)


def proxy_conf(port: int, trust: Trust | None = None) -> str:
    """Return nginx's configuration as a proxy that checks the key and nothing else."""
    upstream = UPSTREAM_PORT if trust is None else TLS_FRONT_PORT
    checks = "" if trust is None else _checks(trust)
    scheme = "http" if trust is None else "https"
    return f"""\
{_COMMON}
pid {BUILD}/nginx-{port}.pid;
http {{
  {_HTTP}
  map $http_authorization $known {{ default 0; "Bearer {KEY}" 1; }}
  upstream model {{
    server 127.0.0.1:{upstream}; keepalive 4096; keepalive_requests 100000000;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location = /healthz {{ return 200; }}
    location /v1/chat/completions {{
      if ($known = 0) {{ return 401; }}
      proxy_pass {scheme}://model; proxy_http_version 1.1; proxy_buffering off;
      proxy_set_header Connection ""; proxy_set_header Authorization "Bearer sk-upstream";
      {checks}
    }}
  }}
}}
"""


def _checks(trust: Trust) -> str:
    """Return the directives that make nginx check the upstream's name, as Headgate does."""
    # By a name, since this nginx looks for no addresses in certificates.
    trusted = f"proxy_ssl_name localhost; proxy_ssl_trusted_certificate {trust.ca_file};"
    return f"proxy_ssl_protocols TLSv1.3; proxy_ssl_verify on; {trusted}"


def front_conf(trust: Trust) -> str:
    """Return nginx's configuration as the end of TLS in front of the upstream."""
    return f"""\
{_COMMON}
pid {BUILD}/tls-front.pid;
http {{
  {_HTTP}
  upstream model {{
    server 127.0.0.1:{UPSTREAM_PORT}; keepalive 4096; keepalive_requests 100000000;
  }}
  server {{
    listen 127.0.0.1:{TLS_FRONT_PORT} ssl backlog=4096;
    ssl_certificate {trust.certificate}; ssl_certificate_key {trust.certificate};
    ssl_protocols TLSv1.3;
    location / {{
      proxy_pass http://model; proxy_http_version 1.1; proxy_buffering off;
      proxy_set_header Connection "";
    }}
  }}
}}
"""
