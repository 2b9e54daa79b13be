"""The supervisor process: starts the steward and the workers, and starts again whichever dies.

It holds the writing end of a pipe that the others read: when it ends, however it ends, they see
the end of the pipe, finish what runs and stop.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from headgate.config.load import load
from headgate.node import locks
from headgate.node.paths import write_pid
from headgate.units.errors import StoreError

POLL_S = 0.02
RESTART_S_MIN = 0.05
RESTART_S_MAX = 5.0
YOUNG_S = 1.0
"""A process that dies younger than this is started again more and more slowly."""

STOP_TIMEOUT_S = 90


@dataclass(slots=True)
class Child:
    """A process that is kept alive."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0
    pause_s: float = RESTART_S_MIN
    due_s: float = 0.0

    def start(self, alive_fd: int) -> None:
        """Start it."""
        command = [*self.command, "--alive-fd", str(alive_fd)]
        self.process = subprocess.Popen(command, pass_fds=(alive_fd,))  # noqa: S603 - our own
        self.started_s = time.monotonic()

    def keep(self, alive_fd: int) -> None:
        """Start it again if it has died, with a growing pause while it dies young."""
        now_s = time.monotonic()
        if self.process is not None and self.process.poll() is not None:
            young = now_s - self.started_s < YOUNG_S
            self.pause_s = min(RESTART_S_MAX, self.pause_s * 2) if young else RESTART_S_MIN
            self.due_s = now_s + self.pause_s
            self.process = None
        if self.process is None and now_s >= self.due_s:
            self.start(alive_fd)


@dataclass(slots=True)
class Node:
    """Where a running node answers."""

    gateway_url: str
    console_url: str
    _held: list[socket.socket] = field(default_factory=list)


def serve(
    config: Path,
    data_dir: Path,
    *,
    on_ready: Callable[[Node], None] = lambda _node: None,
    workers: int = 1,
) -> int:
    """Run a node until SIGTERM or SIGINT; returns the exit status.

    Args:
        config: The configuration file.
        data_dir: Where store and journals lie; made when missing.
        on_ready: Called once, when the first call can be served.
        workers: How many worker processes.

    Raises:
        ConfigurationError: The configuration cannot be used.
        StoreError: Another node runs on this data directory.
    """
    snapshot = load(config, os.environ)
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = locks.take(data_dir, "node")
    if lock is None:
        raise StoreError(f"Another node runs on {data_dir}; stop it first.")
    gateway, gateway_port = _reserve(snapshot.edge.host, snapshot.edge.port)
    console, console_port = _reserve(snapshot.console.host, snapshot.console.port)
    console.close()
    node = Node(
        f"http://{snapshot.edge.host}:{gateway_port}",
        f"http://{snapshot.console.host}:{console_port}",
        [gateway],
    )
    common = ("--config", str(config), "--data-dir", str(data_dir))
    urls = ("--console-port", str(console_port), "--gateway-url", node.gateway_url)
    steward = _child("steward", "headgate.node.steward", *common, *urls)
    crew = [
        _child(name, "headgate.node.worker", *common, "--name", name, "--port", str(gateway_port))
        for name in (f"worker-{number}" for number in range(workers))
    ]
    write_pid(data_dir, "supervisor")
    status = _keep_alive([steward, *crew], lambda: _ready(node), lambda: on_ready(node))
    for held in node._held:
        held.close()
    os.close(lock)
    return status


def _child(name: str, module: str, *arguments: str) -> Child:
    return Child(name, (sys.executable, "-m", module, *arguments))


def _reserve(host: str, port: int) -> tuple[socket.socket, int]:
    """Bind a port without listening on it, so that it stays ours while workers come and go."""
    reserved = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        reserved.bind((host, port))
    except OSError as error:
        reserved.close()
        raise StoreError(f"{host}:{port} cannot be listened on: {error.strerror}.") from error
    return reserved, reserved.getsockname()[1]


def _ready(node: Node) -> bool:
    host, _, port = node.gateway_url.removeprefix("http://").rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=1) as connection:
            connection.sendall(b"GET /readyz HTTP/1.1\r\nhost: self\r\nconnection: close\r\n\r\n")
            return b" 200 " in connection.recv(64)
    except OSError:
        return False


def _keep_alive(
    children: list[Child], ready: Callable[[], bool], on_ready: Callable[[], None]
) -> int:
    reading, writing = os.pipe()
    stopping: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        stopping.append(number)

    before = {each: signal.signal(each, stop) for each in (signal.SIGTERM, signal.SIGINT)}
    told = False
    try:
        while not stopping:
            for child in children:
                child.keep(reading)
            if not told and ready():
                told = True
                on_ready()
            time.sleep(POLL_S)
    finally:
        os.close(writing)
        _wait([child for child in children if child.process is not None])
        os.close(reading)
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


def _wait(children: list[Child]) -> None:
    deadline_s = time.monotonic() + STOP_TIMEOUT_S
    for child in reversed(children):
        assert child.process is not None
        try:
            child.process.wait(max(0.1, deadline_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait()
