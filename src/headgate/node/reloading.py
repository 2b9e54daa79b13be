"""Taking up a changed configuration while calls run: new workers beside the old, then instead.

The file is checked first; what is wrong leaves everything as it is. Then the steward goes by the
new limits, new workers start on the same listening socket, and once they serve, the old ones are
told to retire: they take no new connection and end with their last call. Budgets stay exact
meanwhile, for each worker holds against slices of its own that the steward lent.
"""

import logging
import os
import time
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL, SIGTERM
from typing import NamedTuple

from headgate.config.load import load
from headgate.config.snapshot import Snapshot
from headgate.gateway.listener.kept import KeptCertificate
from headgate.node import in_force
from headgate.node.child import Child, python
from headgate.node.client import ask
from headgate.node.messages import Failed, TakeUp
from headgate.node.outcome import Outcome, tell
from headgate.node.paths import read_pid, retiring_path
from headgate.node.stopping import HURRY, RETIRE
from headgate.units.errors import ConfigurationError, Problem, StewardUnavailableError
from headgate.units.plain import plain

START_S = 60.0
HEAR_S = 10.0
"""How long an old worker may take to say that it retires."""
SEEN_OUT_S = 5.0
"""How long an old worker may take until nothing but calls that run is left of it."""
RETIRING_MAX = 8
"""So many earlier configurations may still have calls; each of their workers takes some 50 MB."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Crew:
    """The processes of a node, and the configuration that they go by.

    Attributes:
        snapshot: The configuration in force.
        copy: Its text, as it was found valid.
        gateway_fds: The sockets that workers listen on, one each.
        kept: The last good certificate, for workers that start while the file has none.
        alive_fd: What tells the others of our end.
        starting: Workers of a configuration that is being taken up.
        retiring: Workers of earlier configurations, and those that failed to start.
    """

    config: Path
    data_dir: Path
    snapshot: Snapshot
    copy: Path
    gateway_fds: tuple[int, ...]
    gateway_url: str
    console_url: str
    console_port: int
    kept: KeptCertificate
    alive_fd: int = -1
    number: int = 0
    steward: Child = field(init=False)
    workers: list[Child] = field(default_factory=list)
    starting: list[Child] = field(default_factory=list)
    retiring: list[Child] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.steward = Child("steward", self._steward_command())

    def _common(self) -> tuple[str, ...]:
        return (
            *("--config", str(self.config), "--in-force", str(self.copy)),
            *("--data-dir", str(self.data_dir)),
        )

    def _steward_command(self) -> tuple[str, ...]:
        urls = ("--console-port", str(self.console_port), "--gateway-url", self.gateway_url)
        return python("headgate.node.steward", *self._common(), *urls)

    def crowd(self) -> list[Child]:
        """Return workers of the configuration in force, one for each socket, not yet started."""
        return [self._worker(f"worker-{at}", fd) for at, fd in enumerate(self.gateway_fds)]

    def _worker(self, name: str, fd: int) -> Child:
        crowd = ("--workers", str(len(self.gateway_fds)))
        listening = ("--name", name, "--listen-fd", str(fd))
        kept = ("--kept-fds", *map(str, self.kept.fds))
        command = python("headgate.node.worker", *self._common(), *listening, *crowd, *kept)
        return Child(name, command, (fd, *self.kept.fds))

    def go_by(self, copy: Path) -> str | None:
        """Have who starts from now on read this copy, and the steward take it up now.

        Returns:
            Why the steward cannot, None when all is well.
        """
        self.copy = copy
        self.steward.command = self._steward_command()
        try:
            answer = ask(self.data_dir, TakeUp(str(copy)))
        except StewardUnavailableError:
            # It is being started, perhaps on the copy before: the next one reads this.
            self.steward.signal(SIGKILL)
            return None
        return answer.reason if isinstance(answer, Failed) else None

    def serves(self, child: Child) -> bool:
        """Tell whether a worker takes connections, or did before it died; so for the steward."""
        process = child.process
        return process is not None and read_pid(self.data_dir, child.name) == process.pid

    def keep(self) -> None:
        """Start again whoever has died; who retires may."""
        self.kept.look()
        for child in (self.steward, *self.workers):
            child.keep(self.alive_fd, self.serves)
        left = []
        for child in self.retiring:
            # Asked once: it may end at any moment, and must not be forgotten before its file is.
            if child.lives:
                left.append(child)
            elif child.process is not None:
                retiring_path(self.data_dir, child.process.pid).unlink(missing_ok=True)
        self.retiring = left

    @property
    def stands(self) -> bool:
        """Whether nobody is missing, as far as was seen."""
        return all(child.process is not None for child in (self.steward, *self.workers))

    def hurry(self) -> None:
        """Have the workers end now, whatever calls run."""
        for child in (*self.workers, *self.starting, *self.retiring):
            child.signal(HURRY)

    def everybody(self) -> list[Child]:
        """Return all processes, the steward last: it outlives the workers."""
        return [*self.workers, *self.starting, *self.retiring, self.steward]


def reload(crew: Crew) -> Iterator[None]:
    """Take the configuration file up, and tell how it went; yields whenever it has to wait."""
    problems = yield from _take_up(crew)
    for problem in problems:
        _log.warning("%s", plain(str(problem)))
    if problems:
        _log.warning("Nothing has changed: the configuration before it stays in force.")
    retiring = sum(child.lives for child in crew.retiring)
    try:
        tell(crew.data_dir, Outcome(time.time_ns(), problems, retiring))
    except OSError as error:
        # Whoever asked for it waits in vain; who calls need not know.
        _log.warning("nobody can be told how a reload went: %s", error)


def _take_up(crew: Crew) -> Generator[None, None, tuple[Problem, ...]]:
    checked = _check(crew)
    if not isinstance(checked, _Checked):
        return checked
    before, before_copy = crew.workers, crew.copy
    crew.number += 1
    try:
        copy = in_force.keep(crew.data_dir, crew.number, checked.text)
    except OSError as error:
        problem = f"No copy of it can be kept in {crew.data_dir}: {error.strerror}."
        return (_problem(crew, problem, "Make room there."),)
    reason = crew.go_by(copy)
    before_kept, crew.kept = crew.kept, KeptCertificate(checked.snapshot.edge.tls)
    successors = crew.crowd()
    if reason is None:
        crew.starting = successors
        reason = yield from _start(crew, successors)
        crew.starting = []
    if reason is not None:
        crew.retiring += successors
        for child in successors:
            child.signal(SIGTERM)
        crew.go_by(before_copy)
        crew.kept.close()
        crew.kept = before_kept
        in_force.forget_all_but(crew.data_dir, before_copy)
        return (_problem(crew, reason, "Look at what headgate serve prints."),)
    before_kept.close()
    crew.workers, crew.snapshot = successors, checked.snapshot
    yield from _retire(crew, before)
    in_force.forget_all_but(crew.data_dir, crew.copy)
    return ()


class _Checked(NamedTuple):
    snapshot: Snapshot
    text: bytes


def _check(crew: Crew) -> _Checked | tuple[Problem, ...]:
    """Return what the file says, or everything that keeps it from being taken up."""
    try:
        text = crew.config.read_bytes()
        snapshot = load(crew.config, os.environ, text=text)
    except ConfigurationError as error:
        return error.problems
    except OSError as error:
        return (_problem(crew, f"It cannot be read: {error.strerror}.", "Put it back."),)
    found = [*_moved(crew, snapshot), *_veiled(crew, snapshot), *_recounted(crew, snapshot)]
    if len(crew.retiring) > (RETIRING_MAX - 1) * len(crew.workers):
        problem = f"{len(crew.retiring)} workers still finish calls of earlier configurations."
        found.append(_problem(crew, problem, "Wait, or lower limits.retire_timeout_ms."))
    return tuple(found) or _Checked(snapshot, text)


def _moved(crew: Crew, new: Snapshot) -> Iterator[Problem]:
    old = crew.snapshot
    for key, before, now in (
        ("listen.gateway", old.edge, new.edge),
        ("listen.console", old.console, new.console),
    ):
        if (before.host, before.port) != (now.host, now.port):
            problem = "An address to listen on changes at a start only."
            fix = f"Put {before.host}:{before.port} back, or stop the node and start it again."
            yield Problem(str(crew.config), key, problem, fix)


def _veiled(crew: Crew, new: Snapshot) -> Iterator[Problem]:
    """Object to what old and new workers would understand in two ways on the same socket."""
    old, now = crew.snapshot.edge, new.edge
    for key, changed, what in (
        ("tls", (old.tls is None) != (now.tls is None), "TLS"),
        ("listen.proxy_protocol", old.proxy_protocol != now.proxy_protocol, "The PROXY protocol"),
    ):
        if changed:
            problem = f"{what} is switched on and off at a start only."
            fix = "Put it back as it was, or stop the node and start it again."
            yield Problem(str(crew.config), key, problem, fix)


def _recounted(crew: Crew, new: Snapshot) -> Iterator[Problem]:
    before, now = crew.snapshot.edge.workers, new.edge.workers
    if before != now:
        problem = "The number of workers changes at a start only."
        fix = f"Write {before} again, or stop the node and start it again."
        yield Problem(str(crew.config), "limits.workers", problem, fix)


def _problem(crew: Crew, problem: str, fix: str) -> Problem:
    return Problem(str(crew.config), "file", problem, fix)


def _start(crew: Crew, successors: list[Child]) -> Generator[None, None, str | None]:
    """Start workers and wait until they serve; returns why they do not, None when they do."""
    for child in successors:
        child.start(crew.alive_fd)
    until_s = time.monotonic() + START_S
    while not all(crew.serves(child) for child in successors):
        if not all(child.lives for child in successors):
            return "A worker that was started with it ended at once."
        if time.monotonic() > until_s:
            return f"A worker that was started with it did not serve within {START_S:.0f} s."
        yield
    return None


def _retire(crew: Crew, before: list[Child]) -> Iterator[None]:
    """Tell workers to retire, and wait until they have heard, and idle connections are closed."""
    crew.retiring += [child for child in before if child.lives]
    for child in before:
        child.signal(RETIRE)
    until_s = time.monotonic() + HEAR_S
    while any(_said(crew, child) is None for child in before) and time.monotonic() < until_s:
        yield
    until_s = time.monotonic() + SEEN_OUT_S
    while any(not _said(crew, child) for child in before) and time.monotonic() < until_s:
        yield


def _said(crew: Crew, child: Child) -> str | None:
    """Return what an old worker says of itself: None for nothing yet, empty while it closes."""
    if not child.lives or child.process is None:
        return "gone"
    try:
        return retiring_path(crew.data_dir, child.process.pid).read_text()
    except OSError:
        return None
