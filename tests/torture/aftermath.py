"""After a death in `crash_life.py`: recover, and hold what is found against what the world saw."""

import json
from pathlib import Path
from typing import Any

from headgate.governance.keeper import find
from headgate.insights.books import check_books
from headgate.ledger.keeper import Keeper
from headgate.ledger.settings import Idempotency
from headgate.ledger.store_allotments import kept
from headgate.ledger.store_repeats import Repeats, open_repeats
from headgate.records.adjustment import Adjusted
from headgate.records.repeats import Claim
from headgate.store import audit
from headgate.store.disk import Disk
from tests.torture.checker import check
from tests.torture.crash_life import BELOW, LIMIT, TEAM, Worker, World, correct, open_engine


def verify(data: Path, *, honest: bool = True) -> None:
    """Recover as a new steward does; everything that was told still holds, and no money is lost.

    Args:
        data: What the dead have left.
        honest: Whether the disk has kept what it said it had.
    """
    told = _read(data / "told.jsonl") if honest else []
    engine = open_engine(data)
    keeper = Keeper(engine, data / "journal", lambda _window: LIMIT)
    keeper.discover()
    last = {each["to"]: each["lent"] for each in told if "lent" in each}
    for name in list(keeper.journals):
        for window, amount in last.get(name, {}).items():
            lease = keeper.book.windows[window].leases[name]
            assert lease.granted_nanos >= amount, f"{name} was told of {amount}"
        assert keeper.take_over(name, 100)
    assert not keeper.journals
    go_on(data, keeper)
    if any("corrected" in each for each in told):
        assert correct(keeper, engine, "6") == Adjusted(known=2)
    (data / "journal").mkdir(exist_ok=True)
    report = check(data, data / "bill.jsonl", {TEAM: LIMIT})
    assert not report.problems, report.problems
    books = check_books(engine, data / "journal")
    assert books.equal and books.held_total_nanos == 0, books.problems
    account = keeper.book.account(TEAM, LIMIT)
    again = Keeper(engine, data / "journal", lambda _window: LIMIT)
    assert again.book.account(TEAM, LIMIT).free_nanos == account.free_nanos
    assert account.free_nanos <= LIMIT - report.windows[TEAM].posted
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        chain = audit.verify(connection)
        assert chain.broken_at is None
        assert chain.entries >= max([each.get("entries", 0) for each in told], default=0)
        for status in ("approved", "used"):
            for name in (each[status] for each in told if status in each):
                request = find(connection, name)
                assert request is not None and request.status in {status, "used", "withdrawn"}
        carved = {each.allotment.window for each in kept(connection)}
    assert BELOW.window in carved or not any("carved" in each for each in told)
    _verify_repeats(data, engine, told)
    copies = {path.name: path.read_bytes() for path in (data / "run").glob("in-force-*.toml")}
    named = [each["in_force"] for each in told if "in_force" in each]
    assert not named or copies[named[-1]] == b"[organisation]\n" * 100
    engine.dispose()


def go_on(data: Path, keeper: Keeper) -> None:
    """Serve on after the recovery, with a worker of its own."""
    after = Worker(data, keeper, World(data), "w-9", Disk())
    after.calls(3)
    after.close()
    keeper.fold()
    assert not keeper.journals


def _verify_repeats(data: Path, engine: Any, told: list[dict[str, Any]]) -> None:
    if any("forgotten" in each for each in told):
        return
    replies = open_repeats(data)
    repeats = Repeats(replies, engine, lambda: None)
    remembered = [each["kept"] for each in told if "kept" in each]
    for key in [each["claimed"] for each in told if "claimed" in each]:
        claim = Claim("alice", key, "ff", "call_after", "w-9")
        ruling = repeats.claim(claim, Idempotency(), 11).ruling
        # A call that was claimed and served is never served again.
        assert ruling != "go", (key, ruling)
        # Its reply is given again, or has made room for another.
        assert key not in remembered or ruling in {"replay", "done"}, (key, ruling)
    replies.dispose()


def _read(path: Path) -> list[dict[str, Any]]:
    lines = path.read_text().splitlines() if path.exists() else []
    return [json.loads(line) for line in lines]
