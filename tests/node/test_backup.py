"""A copy of the books that is made beside a running node, and a node that starts on it."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from headgate.cli.main import app
from headgate.insights.books import Books, check_books
from headgate.node.paths import journal_root
from headgate.node.store_backup import back_up
from headgate.store.database import open_store_readonly
from headgate.store.place import name_database
from headgate.units.errors import StoreError
from headgate.units.money import parse_usd
from tests.node.harness import TestNode, once, running_node, until
from tests.node.wire import CHAT, Reply, chat, post
from tests.stores import on_a_file

pytestmark = on_a_file


def books_of(data_dir: Path) -> Books:
    """Compare store and journals of a data directory."""
    engine = open_store_readonly(data_dir)
    try:
        return check_books(engine, journal_root(data_dir))
    finally:
        engine.dispose()


def ask(node: TestNode) -> Reply:
    """Make a call."""
    return post(node.gateway_url, CHAT, node.key(), chat("Hello"))


def test_a_node_goes_on_from_a_copy_as_after_a_death(tmp_path: Path) -> None:
    """What was posted is posted there, what ran is posted at its hold, a repeat is known as one."""
    headers = {"idempotency-key": "once-only"}
    with running_node(tmp_path, budgets=[once("organisation", "1")]) as node:
        first = post(node.gateway_url, CHAT, node.key(), chat("Hello"), headers=headers)
        cost = parse_usd(first.headers["x-headgate-cost-usd"])
        node.await_posted("organisation", cost)
        node.simulator.gate.close()
        with ThreadPoolExecutor() as pool:
            runs = pool.submit(ask, node)
            until(lambda: node.standing("organisation").held_nanos > 0, "the call is held")
            held = node.standing("organisation").held_nanos
            made = back_up(node.data_dir, tmp_path / "copy")
            node.simulator.gate.release()
            assert runs.result().status == 200
        assert made.running == 1
        assert node.stop() == 0

        other = replace(node, data_dir=tmp_path / "copy", _process=None)
        assert books_of(other.data_dir).equal
        other.start()
        try:
            other.await_posted("organisation", cost + held)
            again = post(other.gateway_url, CHAT, other.key(), chat("Hello"), headers=headers)
            assert again.body == first.body
            assert ask(other).status == 200
            other.await_nothing_held()
        finally:
            assert other.stop() == 0
        assert books_of(other.data_dir).equal


def test_every_copy_made_while_calls_come_has_equal_books(tmp_path: Path) -> None:
    """Wherever the node is, the copy is one state of it."""
    with (
        running_node(tmp_path, budgets=[once("organisation", "1")]) as node,
        ThreadPoolExecutor() as pool,
    ):
        calls = [pool.submit(ask, node) for _ in range(120)]
        for number in range(6):
            calls[20 * number].result()
            back_up(node.data_dir, tmp_path / f"copy-{number}")
        assert {call.result().status for call in calls} == {200}

    for number in range(6):
        books = books_of(tmp_path / f"copy-{number}")
        assert books.equal, books.problems


@pytest.fixture
def data_dir(books: Path) -> Path:
    """A data directory with books in it, and no node."""
    return books / "data"


def test_a_copy_is_its_owners_alone_and_holds_what_a_node_needs(
    data_dir: Path, tmp_path: Path
) -> None:
    """Databases are copied as one state; what only running processes need stays behind."""
    (data_dir / "pepper").write_text("secret")
    (data_dir / "files").mkdir()
    (data_dir / "files" / "file_1").write_text("a batch")
    (data_dir / "run").mkdir(exist_ok=True)
    (data_dir / "run" / "steward.pid").write_text("1")
    (data_dir / "elsewhere").symlink_to(tmp_path)
    with closing(sqlite3.connect(data_dir / "usage.db")) as usage:
        usage.executescript("PRAGMA journal_mode=WAL; CREATE TABLE kept (id);")

        back_up(data_dir, tmp_path / "copy")

    copy = tmp_path / "copy"
    names = {path.relative_to(copy).as_posix() for path in copy.iterdir()}
    assert {"headgate.db", "journal", "pepper", "files", "usage.db"} <= names
    assert not {"run", "elsewhere", "usage.db-wal"} & names
    assert (copy / "files" / "file_1").read_text() == "a batch"
    with closing(sqlite3.connect(copy / "usage.db")) as usage:
        assert usage.execute("SELECT count(*) FROM kept").fetchone() == (0,)
    modes = {path.stat().st_mode & 0o077 for path in (copy, *copy.rglob("*"))}
    assert modes == {0}


def test_a_journal_that_lacks_what_the_store_has_leaves_no_copy(
    data_dir: Path, tmp_path: Path
) -> None:
    """Books that do not fit together are said to, and half a copy is worth nothing."""
    journal = next(journal_root(data_dir).iterdir())
    (journal / "00000001.hgj").write_bytes(b"")

    with pytest.raises(StoreError, match="lacks what the store has of it"):
        back_up(data_dir, tmp_path / "copy")
    assert not list(tmp_path.glob("*copy*"))


def test_books_that_are_elsewhere_are_not_copied(tmp_path: Path) -> None:
    """Where there are none, or PostgreSQL has them and is not there, that is said."""
    with pytest.raises(StoreError, match="There are no books"):
        back_up(tmp_path, tmp_path / "copy")
    name_database(tmp_path, "postgresql://nobody:secret@127.0.0.1:9/else")
    with pytest.raises(StoreError, match="cannot be copied") as caught:
        back_up(tmp_path, tmp_path / "copy")
    assert "secret" not in str(caught.value)
    assert not list(tmp_path.glob("*copy*"))


def test_the_command_says_where_the_copy_is_and_how_to_prove_it(
    books: Path, tmp_path: Path
) -> None:
    """A copy that is there is never written over, and none is made within what is copied."""
    data = ("--data-dir", str(books / "data"))
    copy = tmp_path / "copy"

    made = CliRunner().invoke(app, ["backup", str(copy), *data])
    proof = CliRunner().invoke(app, ["check-books", "--data-dir", str(copy)])
    again = CliRunner().invoke(app, ["backup", str(copy), *data])
    within = CliRunner().invoke(app, ["backup", str(books / "data" / "copy"), *data])
    nowhere = CliRunner().invoke(app, ["backup", str(tmp_path / "no" / "copy"), *data])

    assert made.exit_code == proof.exit_code == 0, made.output
    assert f"headgate check-books --data-dir {copy}" in made.stdout
    assert "The books are equal." in proof.stdout
    assert (again.exit_code, within.exit_code, nowhere.exit_code) == (1, 2, 3)
    assert "is there already" in again.stderr
    assert "lies in the data directory" in within.stderr
    assert "Fix:" in nowhere.stderr
