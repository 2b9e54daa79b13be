"""The audit chain: every change has its entry, and whoever touches an entry is found out."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, update

from headgate.store import audit
from headgate.store.audit import Event
from headgate.store.migrate import open_store


def test_every_change_has_its_entry(headgate: Any) -> None:
    """Freezes, thaws and keys are written down with who, what, to what and why."""
    headgate("freeze", "team:research", "--reason", "odd spend")
    headgate("thaw", "team:research")
    headgate("keys", "create", "alice-laptop")
    headgate("keys", "revoke", "alice-laptop")

    newest_first = json.loads(headgate("audit", "show", "--json").stdout)

    assert [(each["action"], each["subject"]) for each in reversed(newest_first)] == [
        ("node.frozen", "team:research"),
        ("node.thawed", "team:research"),
        ("key.created", "key:alice-laptop"),
        ("key.revoked", "key:alice-laptop"),
    ]
    assert newest_first[-1]["detail"] == {"reason": "odd spend"}
    assert all(each["actor"].startswith("user:") for each in newest_first)
    assert "hg_alice" not in headgate("audit", "show").stdout


def test_what_is_refused_leaves_no_entry(headgate: Any) -> None:
    """There is no entry without its change."""
    assert headgate("thaw", "team:research").exit_code == 1

    assert json.loads(headgate("audit", "show", "--json").stdout) == []


@pytest.fixture
def chain(books: Path) -> Any:
    """A store with ten entries, open for writing."""
    engine = open_store(books / "data")
    with engine.begin() as connection:
        for number in range(10):
            event = Event("user:eve", "node.frozen", f"team:t{number}", {"reason": "x"})
            audit.append(connection, event, number)
    yield engine
    engine.dispose()


TAMPERING = {
    "altered": update(audit.audit).where(audit.audit.c.seq == 4).values(actor="user:mallory"),
    "removed": delete(audit.audit).where(audit.audit.c.seq == 4),
    "hash altered": update(audit.audit).where(audit.audit.c.seq == 4).values(hash="0" * 64),
    "backdated": update(audit.audit).where(audit.audit.c.seq == 4).values(at_ns=99),
}


@pytest.mark.parametrize("how", TAMPERING)
def test_tampering_is_found_where_it_was_done(headgate: Any, chain: Any, how: str) -> None:
    """The first entry that does not fit is named, and the exit code says no."""
    with chain.begin() as connection:
        connection.execute(TAMPERING[how])

    result = headgate("audit", "verify", "--json")

    verdict = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (verdict["whole"], verdict["broken_at"], verdict["entries"]) == (False, 4, 3)


def test_a_noted_head_shows_what_was_cut_off_or_written_anew(headgate: Any, chain: Any) -> None:
    """A chain that is whole in itself is not the one whose head was noted."""
    told = headgate("audit", "verify").stdout
    head = told.rpartition("Head: ")[2].strip()
    assert headgate("audit", "verify", "--head", head).exit_code == 0
    last = audit.audit.c.seq == 10
    with chain.begin() as connection:
        row = connection.execute(audit.audit.select().where(last)).mappings().one()
        connection.execute(delete(audit.audit).where(last))

    cut_off = headgate("audit", "verify", "--head", head)
    with chain.begin() as connection:
        audit.append(connection, Event("user:eve", "node.thawed", "team:t9"), row["at_ns"])
    anew = headgate("audit", "verify", "--head", head, "--json")

    assert cut_off.exit_code == anew.exit_code == 1
    assert "cut off or written anew" in cut_off.stdout
    assert json.loads(anew.stdout)["head_found"] is False
    assert json.loads(anew.stdout)["broken_at"] is None


def test_a_head_that_is_none_is_told(headgate: Any) -> None:
    """A typo is no verdict."""
    result = headgate("audit", "verify", "--head", "nonsense")

    assert result.exit_code == 2
    assert "SEQ:HASH" in result.stderr


def test_an_inserted_entry_breaks_the_chain(headgate: Any, chain: Any) -> None:
    """Behind the last entry too: its hash has to follow from the one before."""
    with chain.begin() as connection:
        values = {"seq": 11, "at_ns": 1, "actor": "x", "action": "x", "subject": "x"}
        connection.execute(insert(audit.audit).values(**values, detail="{}", hash="1" * 64))

    assert json.loads(headgate("audit", "verify", "--json").stdout)["broken_at"] == 11
