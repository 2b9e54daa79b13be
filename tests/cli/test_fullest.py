"""Of many runs and many delegations `headgate budgets` lists the fullest."""

import json
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from headgate.ledger import tables
from headgate.ledger.allotments import Allotment
from headgate.ledger.store_allotments import keep
from headgate.store.migrate import open_store
from tests.conftest import NOON_NS


def add_runs(folder: Path, count: int) -> None:
    """Add windows of runs of alice to the store, each posted a nano-dollar more."""
    engine = open_store(folder / "data")
    with engine.begin() as connection:
        for number in range(1, count + 1):
            values = {
                "window": f"run-cap/alice/build-{number}@once",
                "budget": "run-cap",
                "posted_nanos": number,
                "held_nanos": 0,
                "unaccounted_nanos": 0,
            }
            connection.execute(insert(tables.window).values(values))
    engine.dispose()


def test_the_fullest_runs_of_many(headgate: Any, books: Path) -> None:
    """Ten runs with the least left, counted up, and how many more there are; --runs has all."""
    add_runs(books, 30)

    shown = headgate("budgets").stdout
    everything = headgate("budgets", "--runs").stdout

    runs = [line.split()[0] for line in shown.splitlines() if line.startswith("run-cap/")]
    numbers = range(22, 31)
    assert runs == [*(f"run-cap/alice/build-{number}" for number in numbers), "run-cap/alice/r42"]
    assert "run-cap: … 21 more runs: headgate budgets --runs" in shown
    assert everything.count("run-cap/alice/build-") == 30
    assert everything.index("build-9 ") < everything.index("build-10 ")
    assert len(json.loads(headgate("budgets", "--json").stdout)) == 32


def add_agents(books: Path, count: int) -> None:
    """Let delegations have allotments of 1 to `count` nano-dollars."""
    engine = open_store(books / "data")
    with engine.begin() as connection:
        for number in range(1, count + 1):
            name = f"agent:alice/bot-{number}"
            keep(connection, Allotment(f"{name}~1@once", number, (), "alice", (), name), NOON_NS)
    engine.dispose()


def test_the_fullest_delegations_of_many(headgate: Any, books: Path) -> None:
    """A swarm of agents pushes no budget off the screen; --runs has all of them."""
    add_agents(books, 100)

    shown = headgate("budgets").stdout
    everything = headgate("budgets", "--runs").stdout

    agents = [line.split()[0] for line in shown.splitlines() if line.startswith("agent:")]
    assert agents == [f"agent:alice/bot-{number}~1" for number in range(1, 11)]
    assert "agents: … 90 more delegations: headgate budgets --runs" in shown
    assert everything.count("agent:alice/bot-") == 2 * 100
