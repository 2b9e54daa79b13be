"""What a round is played on: nodes, their processes, and what two nodes share.

    with one_node(folder, "power", workers=4) as stage:
        ...
    stage.ended()

Whatever was done to it, a stage can be asked to come to rest and be checked: `quiet`.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from headgate.insights.books import check_books
from headgate.node.paths import journal_root
from headgate.store.database import open_store_readonly
from headgate.store.place import node_id
from tests import stores
from tests.database_proxy import DatabaseProxy
from tests.node.harness import TestNode, once_nanos, running_node, until
from tests.stores import Cluster, new_cluster
from tests.torture.checker import check
from tests.torture.checker_report import Report

LIMIT_NANOS = 10**15
BUDGET = once_nanos("organisation", LIMIT_NANOS)
WINDOW = "organisation@once"
QUIET_S = 180.0
"""The longest that recovery may take, on a machine where everybody else comes first."""


class Process(NamedTuple):
    """A process of a node, as the system has it."""

    name: str
    pid: int


@dataclass(slots=True)
class Stage:
    """Nodes that run, and where to hit them.

    Attributes:
        nodes: The first of them runs the simulators.
        workers: How many each node has.
        cluster: The server of their store, None for SQLite.
        network: What the first node reaches that server through.
    """

    name: str
    folder: Path
    nodes: tuple[TestNode, ...]
    workers: int
    cluster: Cluster | None = None
    network: DatabaseProxy | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Names of a node's processes below the supervisor."""
        return ("steward", *(f"worker-{number}" for number in range(self.workers)))

    def await_served(self) -> None:
        """Wait until all processes are there, and calls are served."""
        for node in self.nodes:
            until(partial(self._all_run, node), "all processes run", QUIET_S)
            node.await_ready(QUIET_S)

    def _all_run(self, node: TestNode) -> bool:
        living = {each.name: each.pid for each in processes(node)}
        return all(pid_file(node, name) == living.get(name, -1) for name in self.names)

    def quiet(self) -> Report:
        """Wait until nothing is under way any more, and check everything there is.

        Returns:
            What the outsider's checker found, and in its problems what else is not as it should be.
        """
        self.await_served()
        simulator = self.nodes[0].simulator
        until(lambda: simulator.generating == 0, "the upstream has billed", QUIET_S)
        until(self._folded, "every attempt has ended and is folded", QUIET_S)
        return self._check(running=True)

    def ended(self) -> Report:
        """Check what nodes that have stopped in order leave."""
        return self._check(running=False)

    def _journals(self, *, running: bool) -> Report:
        several = len(self.nodes) * self.workers > 1
        bill, limits = self.nodes[0].bill, {WINDOW: LIMIT_NANOS}
        return check(self._gathered(), bill, limits, running=running, several=several)

    def _gathered(self) -> Path:
        """Return a folder with the journals of all nodes."""
        if len(self.nodes) == 1:
            return self.nodes[0].data_dir
        gathered = self.folder / "gathered" / "journal"
        gathered.mkdir(parents=True, exist_ok=True)
        for number, node in enumerate(self.nodes, 1):
            for journal in journal_root(node.data_dir).iterdir():
                link = gathered / f"{number}-{journal.name}"
                if not link.is_symlink():
                    link.symlink_to(journal)
        return gathered.parent

    def _folded(self) -> bool:
        standing = self.nodes[0].standings()[0]
        if standing.held_nanos or standing.unaccounted_nanos:
            return False
        sums = self._journals(running=True).windows.get(WINDOW)
        return sums is None or (sums.held == 0 and sums.posted == standing.posted_nanos)

    def _check(self, *, running: bool) -> Report:
        report = self._journals(running=running)
        open_ones = [name for name, each in report.attempts.items() if each.end is None]
        report.problems += [f"{name} is left without an end" for name in open_ones if running]
        for node in self.nodes:
            engine = open_store_readonly(node.data_dir)
            books = check_books(engine, journal_root(node.data_dir), node_id(node.data_dir))
            engine.dispose()
            report.problems += books.problems
            if books.held_total_nanos:
                report.object_to(f"{books.held_total_nanos} nanos stay held")
        (standing,) = self.nodes[0].standings()
        if standing.held_nanos or standing.unaccounted_nanos:
            report.object_to(f"left over: {standing}")
        return report


def processes(node: TestNode) -> list[Process]:
    """Return the processes that a supervisor has started and that live, ready or not."""
    pid = node.process.pid
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    found = []
    for child in map(int, children):
        name = _name(child)
        if name and lives(child):
            found.append(Process(name, child))
    return found


def _name(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except OSError:
        return ""
    if "headgate.node.steward" in words:
        return "steward"
    return words[words.index("--name") + 1] if "--name" in words else ""


def lives(pid: int) -> bool:
    """Tell whether a process is there and not only waited for."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def pid_file(node: TestNode, name: str) -> int:
    """Return what a process has written of itself when it was ready; 0 for nothing yet."""
    try:
        text = (node.data_dir / "run" / f"{name}.pid").read_text()
    except OSError:
        return 0
    return int(text) if text.endswith("\n") else 0


@contextmanager
def one_node(
    folder: Path, durability: str, environment: Mapping[str, str], *, workers: int
) -> Iterator[Stage]:
    """Run a node on SQLite."""
    with running_node(
        folder,
        budgets=[BUDGET],
        extra=_journal(durability),
        environment=environment,
        workers=workers,
    ) as node:
        yield Stage(f"{workers} worker{'s' * (workers > 1)}, SQLite", folder, (node,), workers)


@contextmanager
def two_nodes(
    folder: Path, durability: str, environment: Mapping[str, str], *, workers: int
) -> Iterator[Stage]:
    """Run two nodes on a PostgreSQL server of their own, one of them over a network."""
    cluster = new_cluster(settings=())
    url = cluster.create_migrated()
    database = url.partition("?")[0].rpartition("/")[2]
    run = partial(
        running_node,
        budgets=[BUDGET],
        extra=_journal(durability),
        environment=environment,
        workers=workers,
    )
    try:
        with DatabaseProxy(cluster.folder).running() as network:
            far = f"postgresql://headgate@127.0.0.1:{network.port}/{database}"
            with run(folder / "first", store_url=far) as first:
                there = first.simulator
                run = partial(run, openai_url=there.openai_url, anthropic_url=there.anthropic_url)
                with run(folder / "second", store_url=url) as second:
                    name = f"2 nodes of {workers} workers, PostgreSQL"
                    both = (first, second)
                    yield Stage(name, folder, both, workers, cluster, network)
    finally:
        stores.end(cluster)


def _journal(durability: str) -> str:
    return f'[journal]\ndurability = "{durability}"'


Play = Callable[[Path, str, Mapping[str, str]], AbstractContextManager[Stage]]
"""Where, of which durability class, with what environment."""
ONE: Play = partial(one_node, workers=1)
FOUR: Play = partial(one_node, workers=4)
TWO_NODES: Play = partial(two_nodes, workers=2)
