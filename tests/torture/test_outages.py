"""The store, the steward or the disk is gone: calls are refused by name, and nothing is lost."""

import os
import resource
import shutil
import signal
import sqlite3
from pathlib import Path

from headgate.store.place import STORE_NAME
from headgate.units.money import parse_usd
from tests.node.harness import TestNode, once, running_node, until
from tests.node.wire import CHAT, Reply, chat, post
from tests.stores import on_a_file
from tests.torture.broken_disk import BROKEN
from tests.torture.checker import check, render
from tests.torture.rounds import CRASHING

BODY = chat("Count. [sim:tokens=10]", tokens=1_000)
DEAR = chat("Count. [sim:tokens=10]", model="gpt-5-5", tokens=30_000)
"""Held at about a dollar: more than was lent for calls with `BODY`."""

LIMIT_NANOS = parse_usd("50")


def call(node: TestNode, body: bytes = BODY) -> Reply:
    """Make one call."""
    return post(node.gateway_url, CHAT, node.key(), body)


def served(node: TestNode, count: int) -> int:
    """Make calls that must be served; returns what they cost together."""
    replies = [call(node) for _ in range(count)]
    assert all(reply.status == 200 for reply in replies), replies
    return sum(parse_usd(reply.headers["x-headgate-cost-usd"]) for reply in replies)


def balance(node: TestNode) -> None:
    """Stop the node; its journals, its bill and its store must agree."""
    assert node.stop() == 0
    report = check(node.data_dir, node.bill, {"organisation@once": LIMIT_NANOS})
    assert not report.problems, render(report)
    standing = node.standing("organisation")
    assert standing.posted_nanos == report.windows["organisation@once"].posted
    assert (standing.held_nanos, standing.unaccounted_nanos) == (0, 0)


def test_a_steward_that_hangs_costs_two_seconds_and_a_refusal(tmp_path: Path) -> None:
    """Without an answer a worker spends what it was lent, then refuses; later it goes on."""
    with running_node(tmp_path, budgets=[once("organisation", "50")]) as node:
        served(node, 1)
        node.send_signal("steward", signal.SIGSTOP)
        served(node, 2)
        refused = call(node, DEAR)
        assert (refused.status, refused.code) == (503, "ledger_unavailable")
        assert refused.headers["retry-after"] == "2"
        node.send_signal("steward", signal.SIGCONT)
        until(lambda: call(node, DEAR).status == 200, "the steward answers again")
        balance(node)


def test_a_store_that_cannot_be_opened_stops_new_money_only(tmp_path: Path) -> None:
    """With a broken store no steward can start; what was lent is spent, the rest waits for it."""
    with running_node(tmp_path, budgets=[once("organisation", "50")]) as node:
        served(node, 1)
        node.await_nothing_held()
        store = node.data_dir / STORE_NAME
        dead = node.kill("steward")
        until(lambda: not Path(f"/proc/{dead}").exists(), "the steward is gone")
        kept = tmp_path / "kept"
        kept.mkdir()
        for path in node.data_dir.glob(f"{STORE_NAME}*"):
            shutil.move(path, kept / path.name)
        store.mkdir()
        refused = call(node, DEAR)
        assert (refused.status, refused.code) == (503, "ledger_unavailable")
        store.rmdir()
        for path in kept.iterdir():
            shutil.move(path, node.data_dir / path.name)
        until(lambda: call(node, DEAR).status == 200, "the steward is back")
        balance(node)


@on_a_file
def test_a_store_that_somebody_locks_stops_new_money_only(tmp_path: Path) -> None:
    """While another program locks the store nothing is lent; nothing that runs is lost."""
    with running_node(tmp_path, budgets=[once("organisation", "50")]) as node:
        served(node, 2)
        node.await_nothing_held()
        steward = node.pid("steward")
        lock = sqlite3.connect(node.data_dir / STORE_NAME, isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        assert call(node, DEAR).code == "ledger_unavailable"
        until(lambda: not Path(f"/proc/{steward}").exists(), "the steward gives up")
        lock.execute("ROLLBACK")
        lock.close()
        until(lambda: call(node, DEAR).status == 200, "the steward is back")
        balance(node)


@on_a_file
def test_a_deleted_store_is_made_again_from_the_journals(tmp_path: Path) -> None:
    """The store can be lost: what was posted is folded again from the journals, to the nano."""
    with running_node(tmp_path, budgets=[once("organisation", "50")]) as node:
        cost = served(node, 5)
        node.kill("worker-0")
        node.await_nothing_held()
        assert node.stop() == 0
        for path in node.data_dir.glob(f"{STORE_NAME}*"):
            path.unlink()
        node.start()
        assert node.await_posted("organisation", cost).unaccounted_nanos == 0
        cost += served(node, 1)
        node.await_posted("organisation", cost)
        balance(node)


@on_a_file
def test_a_store_deleted_under_a_running_steward(tmp_path: Path) -> None:
    """A steward goes on with the file it has open; the next one makes the books again."""
    with running_node(tmp_path, budgets=[once("organisation", "50")]) as node:
        cost = served(node, 3)
        node.await_nothing_held()
        for path in node.data_dir.glob(f"{STORE_NAME}*"):
            path.unlink()
        cost += served(node, 3)
        node.await_successor("steward", node.kill("steward"))
        cost += served(node, 3)
        assert node.await_posted("organisation", cost).unaccounted_nanos == 0
        balance(node)


def test_a_disk_that_refuses_to_sync_costs_a_worker_and_no_money(tmp_path: Path) -> None:
    """New calls are refused by name; the worker ends its journal, and the next one serves."""
    broken = tmp_path / "broken"
    environment = {"PYTHONPATH": CRASHING, BROKEN: str(broken)}
    power = '[journal]\ndurability = "power"'
    with running_node(
        tmp_path, budgets=[once("organisation", "50")], extra=power, environment=environment
    ) as node:
        served(node, 2)
        worker = node.pid("worker-0")
        broken.touch()
        refused = call(node)
        assert (refused.status, refused.code) == (503, "journal_failed")
        broken.unlink()
        node.await_successor("worker-0", worker)
        served(node, 2)
        balance(node)


def test_a_disk_without_room_for_a_journal_starts_no_worker(tmp_path: Path) -> None:
    """A worker whose journal does not fit on the disk does not serve; with room again one does."""
    with running_node(tmp_path, budgets=[once("organisation", "50")]) as node:
        served(node, 2)
        supervisor = node.pid("supervisor")
        before = resource.prlimit(supervisor, resource.RLIMIT_FSIZE)
        resource.prlimit(supervisor, resource.RLIMIT_FSIZE, (4 << 20, before[1]))
        os.kill(node.pid("worker-0"), signal.SIGKILL)
        node.await_nothing_held()
        resource.prlimit(supervisor, resource.RLIMIT_FSIZE, before)
        node.await_ready()
        served(node, 2)
        balance(node)
