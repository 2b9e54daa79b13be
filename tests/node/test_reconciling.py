"""The steward compares by itself: real calls, the simulator's reports, corrections, an alert."""

import asyncio
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from sqlalchemy import Engine

from headgate.config.load import load
from headgate.config.snapshot import Snapshot
from headgate.insights.books import check_books
from headgate.insights.drift import drifts, kept_cells
from headgate.ledger.keeper import Keeper
from headgate.node.paths import journal_root
from headgate.node.reconciling import reconcile_once
from headgate.reconcile.settings import Source
from headgate.store import audit
from headgate.store.database import open_store_readonly
from headgate.store.migrate import open_store
from tests.node.harness import TestNode, once, running_node
from tests.node.wire import CHAT, chat, post
from tests.torture.checker import check, render

DAY_NS = 86_400 * 10**9
NO_USAGE = "[sim:fault=no_usage] Hello"


class Rules(NamedTuple):
    """What the steward goes by."""

    snapshot: Snapshot


class Desk(NamedTuple):
    """What the steward has."""

    rules: Rules
    engine: Engine
    reading: Engine
    keeper: Keeper


def extra(folder: str) -> str:
    """Return the tables that make a node reconcile; its own turn never comes in this test."""
    return f"""
[reconcile]
at = "23:59"
apply = true
alert_usd = "0.000001"

[reports.openai]
folder = "{folder}"
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestNode]:
    """A node that has made two calls, one of them without its usage, and has stopped."""
    folder = tmp_path_factory.mktemp("reconciling")
    with running_node(
        folder, budgets=[once("organisation", "10.00")], extra=extra("nothing")
    ) as running:
        for text in ("Hello", NO_USAGE):
            assert post(running.gateway_url, CHAT, running.key(), chat(text)).status == 200
        running.await_nothing_held()
        assert running.stop() == 0
        yield running


@pytest.fixture
def desk(node: TestNode) -> Iterator[Desk]:
    """The steward's parts over what the node left."""
    engine = open_store(node.data_dir)
    keeper = Keeper(engine, journal_root(node.data_dir), lambda _window: None)
    keeper.discover()
    reading = open_store_readonly(node.data_dir)
    yield Desk(Rules(load(node.config, node.environment)), engine, reading, keeper)
    reading.dispose()
    engine.dispose()


def run(desk: Desk, source: Source, now_ns: int) -> bool:
    """Compare once."""
    return asyncio.run(reconcile_once(desk, source, now_ns))


def test_estimates_are_corrected_and_a_drift_is_told(node: TestNode, desk: Desk) -> None:
    """What the provider never said is made exact; what went past the gateway is the drift."""
    bill = node.simulator.bill.entries
    url = node.simulator.openai_url.removesuffix("/v1")
    source = Source("openai", admin="openai", credential="sk-admin", base_url=url)
    later_ns = bill[-1].at_ns + 2 * DAY_NS

    assert run(desk, source, later_ns)

    with desk.reading.connect() as connection:
        [cell] = kept_cells(connection)
        [entry] = audit.newest(connection, 1)
    billed = sum(each.amount for each in bill) * 10**9
    assert (cell.reason, cell.told_nanos, cell.booked_nanos) == ("agreed", billed, billed)
    assert entry.action == "money.adjusted"
    assert check_books(desk.reading, journal_root(node.data_dir)).equal
    report = check(node.data_dir)
    assert not report.problems, render(report)
    assert sum(each.posted for each in report.windows.values()) == billed

    past = post(node.simulator.openai_url, CHAT, "sk-test", chat("Hi", model="gpt-5.4-mini"))
    assert past.status == 200
    assert run(desk, source, later_ns + 1)
    assert run(desk, source, later_ns + 2)

    with desk.reading.connect() as connection:
        [drift] = drifts(connection)
        told = [each for each in audit.entries(connection) if each.action == "reconcile.drift"]
    assert drift.drift_nanos == node.simulator.bill.entries[-1].amount * 10**9
    assert [each.subject for each in told] == ["provider:openai"]


def test_reports_that_cannot_be_had_are_told(desk: Desk) -> None:
    """Of a folder that is not there, the audit chain says so, and nothing is kept."""
    source = desk.rules.snapshot.reconcile.sources["openai"]

    assert not run(desk, source, 1)

    with desk.reading.connect() as connection:
        [entry] = audit.newest(connection, 1)
    assert (entry.action, entry.subject) == ("reconcile.failed", "provider:openai")
    assert "no such file or folder" in entry.detail
