"""Copies of books in PostgreSQL, made beside nodes that run, and nodes that come back from them."""

import json
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from headgate.cli.main import app
from headgate.insights.books import Books, check_books
from headgate.insights.contract_exports import RestoreView
from headgate.ledger.tables import attempt
from headgate.node.paths import journal_root
from headgate.node.store_backup import back_up
from headgate.node.store_restore import restore
from headgate.store.database import open_store_readonly
from headgate.store.place import database_of, node_id
from headgate.store.postgresql import make_server_engine
from headgate.units.errors import StoreError
from headgate.units.money import parse_usd
from tests import stores
from tests.node.harness import TestNode, once, running_node, until
from tests.node.pairs import await_equal, pair
from tests.node.wire import CHAT, Reply, chat, post


def books_of(data_dir: Path) -> Books:
    """Compare store and journals of a data directory, or of a copy."""
    engine = open_store_readonly(data_dir)
    try:
        return check_books(engine, journal_root(data_dir), node_id(data_dir))
    finally:
        engine.dispose()


def ask(node: TestNode, **headers: str) -> Reply:
    """Make a call."""
    return post(node.gateway_url, CHAT, node.key(), chat("Hello"), headers=headers)


def keep_asking(node: TestNode, over: threading.Event) -> bool:
    """Make one call after the other until it is over; tells whether all were answered."""
    well = True
    while not over.is_set():
        well &= ask(node).status == 200
    return well


def moved(node: TestNode, copy: Path, folder: Path, url: str, *, joining: bool = False) -> TestNode:
    """Put a copy back by the command, which says so, and return the node that is to start there."""
    folder.mkdir()
    config, old = folder / "headgate.toml", database_of(node.data_dir)
    assert old is not None
    config.write_text(node.config.read_text().replace(old, url))
    told = ["restore", str(copy), "--config", str(config), "--data-dir", str(folder / "data")]
    result = CliRunner().invoke(app, [*told, "--json", *(("--join",) if joining else ())])
    assert result.exit_code == 0, result.output
    restored = msgspec.json.decode(result.stdout, type=RestoreView, strict=True)
    assert (restored.directory, restored.joined) == (str(folder / "data"), joining)
    assert restored.journals == len([*journal_root(folder / "data").iterdir()]) > 0
    return replace(node, config=config, data_dir=folder / "data", _process=None)


def stop(nodes: Sequence[TestNode]) -> None:
    """Stop nodes that were started here."""
    for node in nodes:
        assert node.stop() == 0


def test_a_node_goes_on_from_what_was_restored(tmp_path: Path) -> None:
    """What was posted is posted, what ran is posted at its hold, a repeat and a key are known."""
    budgets = [once("organisation", "1")]
    with running_node(
        tmp_path, budgets=budgets, store_url=stores.cluster().create_migrated()
    ) as node:
        first = ask(node, **{"idempotency-key": "once-only"})
        cost = parse_usd(first.headers["x-headgate-cost-usd"])
        node.await_posted("organisation", cost)
        place = ("--config", str(node.config), "--data-dir", str(node.data_dir))
        made = CliRunner().invoke(
            app,
            ["keys", "create", "later", "--principal", "alice", *place],
        )
        assert made.exit_code == 0, made.output
        node.simulator.gate.close()
        with ThreadPoolExecutor() as pool:
            runs = pool.submit(ask, node)
            until(lambda: node.standing("organisation").held_nanos > 0, "the call is held")
            held = node.standing("organisation").held_nanos
            copy = tmp_path / "copy"
            told = ["backup", str(copy), "--data-dir", str(node.data_dir), "--json"]
            backup = json.loads(CliRunner().invoke(app, told).stdout)
            node.simulator.gate.release()
            assert runs.result().status == 200
        # What comes after the copy is not in it.
        assert ask(node).status == 200
        assert (backup["running"], backup["other_nodes"]) == (1, 0)
        assert node.stop() == 0
        proof = CliRunner().invoke(app, ["check-books", "--data-dir", str(copy)])
        assert "The books are equal." in proof.stdout, proof.output

        other = moved(node, copy, tmp_path / "other", stores.cluster().create())
        assert books_of(other.data_dir).equal
        other.start()
        try:
            other.await_posted("organisation", cost + held)
            again = ask(other, **{"idempotency-key": "once-only"})
            assert again.body == first.body
            key = made.stdout.strip()
            assert post(other.gateway_url, CHAT, key, chat("Hello")).status == 200
            assert ask(other).status == 200
            await_equal(other)
        finally:
            stop([other])


def test_two_nodes_come_back_from_the_store_of_the_first(tmp_path: Path) -> None:
    """Copied under load, the later one is cut to what the store has of it; both books are equal."""
    budgets = [once("organisation", "9"), once("team:research", "9")]
    over = threading.Event()
    with pair(tmp_path, stores.cluster().create_migrated(), budgets) as (first, second):
        assert [ask(node).status for node in (first, second)] == [200, 200]
        await_equal(first, second)
        with ThreadPoolExecutor() as pool:
            calling = [pool.submit(keep_asking, node, over) for node in (first, second)]
            made = back_up(first.data_dir, tmp_path / "copy-1")
            back_up(second.data_dir, tmp_path / "copy-2")
            assert [ask(node).status for node in (first, second)] == [200, 200]
            over.set()
            assert all(each.result() for each in calling)
        await_equal(first, second)
        assert made.other_nodes == 1
        spent = first.standing("organisation").posted_nanos
        stop([first, second])

        url = stores.cluster().create()
        back = [
            moved(first, tmp_path / "copy-1", tmp_path / "third", url),
            moved(second, tmp_path / "copy-2", tmp_path / "fourth", url, joining=True),
        ]
        for node in back:
            books = books_of(node.data_dir)
            assert books.equal, books.problems
        try:
            for node in back:
                node.start()
            await_equal(*back)
            assert 0 < back[0].standing("organisation").posted_nanos < spent
            assert [ask(node).status for node in back] == [200, 200]
            await_equal(*back)
        finally:
            stop([node for node in back if node._process is not None])


def test_every_copy_made_while_calls_come_has_equal_books(tmp_path: Path) -> None:
    """Wherever the node is, the copy is one state of store and journals."""
    url = stores.cluster().create_migrated()
    with (
        running_node(tmp_path, budgets=[once("organisation", "1")], store_url=url) as node,
        ThreadPoolExecutor() as pool,
    ):
        calls = [pool.submit(ask, node) for _ in range(120)]
        for number in range(4):
            calls[30 * number].result()
            back_up(node.data_dir, tmp_path / f"copy-{number}")
        assert {call.result().status for call in calls} == {200}

    for number in range(4):
        books = books_of(tmp_path / f"copy-{number}")
        assert books.equal, books.problems


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of books in PostgreSQL."""
    folder = tmp_path_factory.mktemp("copied")
    url = stores.cluster().create_migrated()
    with running_node(folder, budgets=[once("organisation", "1")], store_url=url) as node:
        assert ask(node).status == 200
        await_equal(node)
        back_up(node.data_dir, folder / "copy")
    return folder / "copy"


def test_a_copy_names_no_database(copy: Path) -> None:
    """The address may hold a password; and the copy is its owner's alone."""
    assert not (copy / "store.url").exists()
    assert (copy / "pepper").exists() and node_id(copy)
    assert {path.stat().st_mode & 0o077 for path in (copy, *copy.rglob("*"))} == {0}


def test_a_database_that_is_not_empty_is_left_alone(copy: Path, tmp_path: Path) -> None:
    """Nothing is written over, and no directory is left behind."""
    url = stores.cluster().create_migrated()

    with pytest.raises(StoreError, match="has tables already"):
        restore(copy, tmp_path / "data", url)
    with pytest.raises(StoreError, match="knows no journal of this node"):
        restore(copy, tmp_path / "data", url, joining=True)

    assert not list(tmp_path.iterdir())
    engine = make_server_engine(url)
    with engine.connect() as connection:
        assert not connection.execute(select(attempt)).all()
    engine.dispose()


def test_nobody_joins_a_store_that_was_not_restored_yet(copy: Path, tmp_path: Path) -> None:
    """An empty database is told as one that knows nothing of the node, and stays empty."""
    url = stores.cluster().create()

    with pytest.raises(StoreError, match="knows no journal of this node"):
        restore(copy, tmp_path / "data", url, joining=True)

    assert not list(tmp_path.iterdir())
    assert restore(copy, tmp_path / "data", url) > 0


def test_no_node_starts_on_a_copy(copy: Path, tmp_path: Path) -> None:
    """It is put into a database first: started on by itself, it would know of no other node."""
    config = tmp_path / "headgate.toml"
    config.write_text("[listen]\ngateway = '127.0.0.1:0'\nconsole = '127.0.0.1:0'\n")

    result = CliRunner().invoke(app, ["serve", "--config", str(config), "--data-dir", str(copy)])

    assert result.exit_code == 3
    assert "is a copy of books in PostgreSQL" in result.stderr
    assert "headgate restore" in result.stderr


def test_what_cannot_be_restored_is_told(books: Path, tmp_path: Path) -> None:
    """A copy with SQLite, no database, or a directory that is there: each has its way on."""
    config = tmp_path / "headgate.toml"
    config.write_text("[store]\nurl = 'postgresql://nobody@127.0.0.1:9/none'\n")
    told = ["restore", str(books / "data"), "--config", str(config)]
    new = ["--data-dir", str(tmp_path / "new")]

    sqlite = CliRunner().invoke(app, [*told, *new])
    there = CliRunner().invoke(app, [*told, "--data-dir", str(tmp_path)])
    config.write_text("")
    nowhere = CliRunner().invoke(app, [*told, *new])

    assert (sqlite.exit_code, there.exit_code, nowhere.exit_code) == (3, 1, 2)
    assert "cp -a" in sqlite.stderr
    assert "is there already" in there.stderr
    assert "names no database" in nowhere.stderr
