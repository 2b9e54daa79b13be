"""Two nodes that share a store on PostgreSQL and one provider, and how their books are compared."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from sqlalchemy import Engine, select, text

from headgate.budgets.settings import Budget
from headgate.insights.books import check_books
from headgate.ledger.tables import journal
from headgate.node.paths import journal_root
from headgate.store.database import open_store_readonly
from headgate.store.journal_reader import Cursor, JournalReader, journals
from headgate.store.place import node_id
from headgate.store.postgresql import make_server_engine
from tests.node.harness import ALICE, TestNode, running_node, until
from tests.torture.checker import check
from tests.torture.checker_report import Report


@contextmanager
def pair(
    tmp_path: Path,
    url: str,
    budgets: Sequence[Budget],
    principals: Mapping[str, str] = ALICE,
    *,
    workers: int = 1,
) -> Iterator[tuple[TestNode, TestNode]]:
    """Run two nodes that share a store and a provider."""
    run = partial(
        running_node, budgets=budgets, principals=principals, workers=workers, store_url=url
    )
    with (
        run(tmp_path / "first") as first,
        run(tmp_path / "second", openai_url=first.simulator.openai_url) as second,
    ):
        yield first, second


def await_equal(*nodes: TestNode) -> None:
    """Wait until all that was done is in the store, and the books of each node are equal."""
    for node in nodes:
        problems = last_problems(node.data_dir)
        assert not problems, problems


def last_problems(data_dir: Path) -> tuple[str, ...]:
    """Check the books until they are equal and nothing is held; returns what differed last."""
    engine = open_store_readonly(data_dir)
    books = []

    def equal() -> bool:
        if not _all_folded(engine, data_dir):
            return False
        books.append(check_books(engine, journal_root(data_dir), node_id(data_dir)))
        return books[-1].equal and not books[-1].held_total_nanos

    try:
        until(equal, "the books are equal")
    finally:
        engine.dispose()
    return books[-1].problems


def _all_folded(engine: Engine, data_dir: Path) -> bool:
    """Tell whether the journals of a node have nothing that the store does not."""
    with engine.connect() as connection:
        rows = {row.name: row for row in connection.execute(select(journal))}
    for folder in journals(journal_root(data_dir)):
        row = rows.get(folder.name)
        if row is None:
            return False
        reader = JournalReader(folder, Cursor(row.seq, row.offset), ended=row.ended)
        if reader.read_payloads():
            return False
    return True


def check_together(
    nodes: Sequence[TestNode], folder: Path, limits: dict[str, int], *, running: bool = False
) -> Report:
    """Check the journals of several nodes as those of one, against the provider that they share.

    Args:
        nodes: The first of them runs the provider.
        folder: A new one, in which their journals are gathered.
        limits: In nano-dollars, by the key of the window.
        running: Holds may still be open.
    """
    gathered = folder / "journal"
    gathered.mkdir(parents=True)
    for number, node in enumerate(nodes, 1):
        for source in journal_root(node.data_dir).iterdir():
            (gathered / f"{number}-{source.name}").symlink_to(source)
    return check(folder, nodes[0].bill, limits, running=running, several=True)


def put_back(url: str, node: str) -> None:
    """Have a node's last sign of life be an hour old, so that nobody has to wait for that."""
    engine = make_server_engine(url)
    with engine.begin() as connection:
        older = text("UPDATE node SET beat = beat - interval '1 hour' WHERE id = :node")
        connection.execute(older, {"node": node})
    engine.dispose()
