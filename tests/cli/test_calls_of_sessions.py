"""`headgate calls --session`, and what a session cost in `headgate explain`."""

import json
from pathlib import Path
from typing import Any

from sqlalchemy import update

from headgate.ledger import tables
from headgate.store.migrate import open_store


def test_the_calls_of_a_session(headgate: Any, books: Path) -> None:
    """They can be listed, and each of them tells what the session cost so far and who served it."""
    engine = open_store(books / "data")
    with engine.begin() as connection:
        named = update(tables.attempt).where(tables.attempt.c.attempt.in_(("call_a.1", "call_b.2")))
        connection.execute(named.values(session="refactor"))
    engine.dispose()

    listed = json.loads(headgate("calls", "--session", "refactor", "--json").stdout)
    explained = json.loads(headgate("explain", "call_a", "--json").stdout)
    shown = headgate("explain", "call_a").stdout

    assert {each["attempt"] for each in listed} == {"call_a.1", "call_b.2"}
    assert explained["session"]["attempts"] == 2
    assert sum(explained["session"]["deployments"].values()) == 2
    assert f"session refactor: 2 attempts since {explained['session']['since']}" in shown
    assert headgate("calls", "--session", "none").exit_code == 0
