"""The supervisor process: starts the steward and the workers, and starts again whichever dies.

It holds the writing end of a pipe that the others read: when it ends, however it ends, they see
the end of the pipe, finish what runs and stop. It also holds the socket that clients connect to,
so that no connection is lost while workers come and go.
"""

import contextlib
import http.client
import importlib
import os
import resource
import select
import signal
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from headgate.config.load import load
from headgate.config.snapshot import Snapshot
from headgate.dial.tls import TrustError
from headgate.gateway.listener.kept import KeptCertificate
from headgate.gateway.listener.own import line, place_of, why_closed
from headgate.node import in_force, locks
from headgate.node.hashing import share_hashes
from headgate.node.paths import outcome_path, run_dir, write_pid
from headgate.node.reloading import Crew, reload
from headgate.node.stopping import ECHO_S
from headgate.store.place import database_of, name_database
from headgate.store.private import make_private
from headgate.units.errors import StoreError

POLL_S = 0.02
CALM_S = 1.0
"""How long it waits for news while all is well: of a signal, or an end, it is told at once."""
STOP_TIMEOUT_S = 90
FILES_OWN = 128
"""What a worker has open beside a connection to the client and one to the provider per call."""
READY_S = 1.0
RESERVE_S = 0.5
"""How long an address may still be a node's that has just been told to stop."""
LISTEN_FIX = "Stop what listens there, another node perhaps, or write another address in [listen]."


@dataclass(slots=True)
class Node:
    """Where a running node answers."""

    gateway_url: str
    console_url: str


def serve(
    config: Path,
    data_dir: Path,
    *,
    on_ready: Callable[[Node], None] = lambda _node: None,
    workers: int | None = None,
) -> int:
    """Run a node until SIGTERM or SIGINT; returns the exit status. SIGHUP reloads the file.

    Args:
        config: The configuration file.
        data_dir: Where store and journals lie; made when missing.
        on_ready: Called once, when the first call can be served.
        workers: How many worker processes; None for as many as the configuration says.

    Raises:
        ConfigurationError: The configuration cannot be used.
        StoreError: Another node runs on this data directory, or its books are elsewhere.
    """
    # What is checked is what is kept; a file that is not there is told by `load`.
    text = config.read_bytes() if config.is_file() else None
    snapshot = load(config, os.environ, text=text)
    assert text is not None
    make_private(data_dir)
    lock = locks.take(data_dir, "node")
    if lock is None:
        raise StoreError(f"Another node runs on {data_dir}; stop it first.")
    _forget_the_last(data_dir)
    name_database(data_dir, snapshot.store_url)
    if database_of(data_dir) is not None:
        # The store of one node is the steward's alone: this process need not even know SQL.
        importlib.import_module("headgate.node.joining").join(data_dir)
    share_hashes(os.environ, data_dir)
    _allow_open_files(2 * snapshot.edge.connections_max + FILES_OWN)
    count = snapshot.edge.workers if workers is None else workers
    gateway = _share(snapshot.edge.host, snapshot.edge.port, count)
    crew = _crew(snapshot, config, data_dir, text, gateway)
    node = Node(crew.gateway_url, crew.console_url)
    crew.workers = crew.crowd()
    _keep_alive(crew, lambda: _ready(crew, node), lambda: on_ready(node), gateway)
    os.close(lock)
    return 0


def _forget_the_last(data_dir: Path) -> None:
    """Remove what the node before has left: its processes' ids may be anybody's by now."""
    for left in (outcome_path(data_dir), *run_dir(data_dir).glob("*.pid")):
        left.unlink(missing_ok=True)


def _allow_open_files(wanted: int) -> None:
    """Raise the limit of open files for the processes of the node, as far as it may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        with contextlib.suppress(OSError, ValueError):
            # A system may have a bound of its own; then what there was has to do.
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


def _crew(
    snapshot: Snapshot,
    config: Path,
    data_dir: Path,
    text: bytes,
    gateway: Sequence[socket.socket],
) -> Crew:
    edge, console = snapshot.edge, snapshot.console
    with _reserve(console.host, console.port) as reserved:
        console_port = reserved.getsockname()[1]
    copy = in_force.keep(data_dir, 0, text)
    in_force.forget_all_but(data_dir, copy)
    return Crew(
        config=config,
        data_dir=data_dir,
        snapshot=snapshot,
        copy=copy,
        gateway_fds=tuple(each.fileno() for each in gateway),
        gateway_url=edge.url(gateway[0].getsockname()[1]),
        console_url=console.url(console_port),
        console_port=console_port,
        kept=KeptCertificate(edge.tls),
    )


def _reserve(host: str, port: int) -> socket.socket:
    """Bind an address without listening on it yet: who connects is refused until a worker does."""
    until_s = time.monotonic() + RESERVE_S
    reserved = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    while True:
        try:
            reserved.bind((host, port))
            return reserved
        except OSError as error:
            if time.monotonic() > until_s:
                reserved.close()
                problem = f"{host}:{port} cannot be listened on: {error.strerror}."
                raise StoreError(problem, LISTEN_FIX) from error
        time.sleep(POLL_S)


def _share(host: str, port: int, count: int) -> list[socket.socket]:
    """Bind an address once for each worker, so that the system spreads connections over them.

    They are held here: what connects while a worker is started again waits in its socket.
    """
    with _reserve(host, port) as alone:
        # Nobody else is there: sockets that share an address would not mind who else shares it.
        port = alone.getsockname()[1]
    sockets = [socket.socket(alone.family) for _ in range(count)]
    for each in sockets:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        each.bind((host, port))
    return sockets


def _ready(crew: Crew, node: Node) -> bool:
    if not all(crew.serves(each) for each in crew.workers):
        return False
    edge = crew.snapshot.edge
    if why_closed(edge) is not None:
        # We cannot ask: that workers serve, for which they have met the steward, has to do.
        return True
    try:
        asking = line(place_of(edge, node.gateway_url), READY_S)
        with contextlib.closing(asking):
            asking.request("GET", "/readyz", headers={"connection": "close"})
            return asking.getresponse().status == http.HTTPStatus.OK
    except (OSError, TrustError, http.client.HTTPException):
        return False


@dataclass(slots=True)
class _Signals:
    """What this process was told; kept as long as it looks after the others.

    Attributes:
        stop: To end, and let running calls end first.
        hurry: To end now: it was told again.
        reload: To take the configuration up.
    """

    stop: bool = False
    hurry: bool = False
    reload: bool = False
    _told_s: float = 0.0
    _bell: tuple[socket.socket, socket.socket] = field(default_factory=socket.socketpair)
    _bell_before: int = -1
    _terminal: bool = field(default_factory=lambda: _has_terminal())
    _before: dict[signal.Signals, object] = field(default_factory=dict)

    def __enter__(self) -> "_Signals":
        # Under nohup, the end of the terminal is nothing to end for.
        self._terminal &= signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self._before[number] = signal.signal(number, self._told)
        # The end of a child says nothing but that somebody has ended.
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, lambda *_: None)
        for each in self._bell:
            each.setblocking(False)
        self._bell_before = signal.set_wakeup_fd(self._bell[1].fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._bell_before)
        for each in self._bell:
            each.close()
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # as it was given to us

    def wait(self, time_s: float) -> None:
        """Wait until a signal comes or a child ends, and no longer than so many seconds."""
        # Not `select`, which knows of no more than 1,024 files.
        bells = select.poll()
        bells.register(self._bell[0], select.POLLIN)
        if bells.poll(time_s * 1_000):
            self._bell[0].recv(4_096)

    def _told(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGHUP and not (self._terminal and not _has_terminal()):
            self.reload = True
            return
        now_s = time.monotonic()
        self.hurry |= self.stop and number != signal.SIGHUP and now_s - self._told_s > ECHO_S
        self._told_s = self._told_s or now_s
        self.stop = True


def _has_terminal() -> bool:
    """Tell whether this process has a terminal: one that is closed says so by SIGHUP as well."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _keep_alive(
    crew: Crew,
    ready: Callable[[], bool],
    on_ready: Callable[[], None],
    gateway: Sequence[socket.socket],
) -> None:
    crew.alive_fd, writing = os.pipe()
    told = False
    reloading: Iterator[None] = iter(())
    with _Signals() as signals:
        # Not before: whoever finds it may have us take the configuration up.
        write_pid(crew.data_dir, "supervisor")
        try:
            while not signals.stop:
                crew.keep()
                if not told and ready():
                    told = True
                    on_ready()
                is_reloading = next(reloading, _OVER) is not _OVER
                if not is_reloading and told and signals.reload:
                    signals.reload, is_reloading = False, True
                    reloading = reload(crew)
                is_calm = told and not is_reloading and crew.stands
                signals.wait(CALM_S if is_calm else POLL_S)
        finally:
            # Nobody new is welcome, once the workers have closed theirs.
            for each in gateway:
                each.close()
            os.close(writing)
            _see_out(crew, signals)
            os.close(crew.alive_fd)


def _see_out(crew: Crew, signals: _Signals) -> None:
    """Wait for everybody's end; who is told to stop once more hurries the workers."""
    until_s, hurried = time.monotonic() + STOP_TIMEOUT_S, False
    while any(child.lives for child in crew.everybody()) and time.monotonic() < until_s:
        if signals.hurry and not hurried:
            hurried = True
            crew.hurry()
        time.sleep(POLL_S)
    for child in crew.everybody():
        child.wait(until_s)


_OVER = object()
