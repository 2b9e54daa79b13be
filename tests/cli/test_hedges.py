"""Calls that were asked of two deployments at once, as the commands show them."""

import json
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from headgate.ledger import tables
from headgate.store.migrate import open_store


def test_explain_tells_of_a_hedge(headgate: Any, books: Path) -> None:
    """Which attempt was begun beside which, and which of them lost."""
    engine, table = open_store(books / "data"), tables.attempt
    with engine.begin() as connection:
        begun_ns = connection.scalar(select(table.c.at_ns).where(table.c.attempt == "call_b.2"))
        assert begun_ns is not None
        lost = {"state": "estimated", "reason": "hedge_lost", "ended_ns": begun_ns + 1}
        first = table.c.attempt == "call_b.1"
        connection.execute(update(table).where(first).values(lost))
    engine.dispose()

    shown = headgate("explain", "call_b").stdout
    holds = json.loads(headgate("explain", "call_b", "--json").stdout)["holds"]

    assert "estimated: hedge_lost" in shown
    assert "a hedge, begun beside call_b.1" in shown
    assert [each["beside"] for each in holds] == [None, "call_b.1"]
