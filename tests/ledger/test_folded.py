"""The records as folding reads them say what the records that are written say, for the store."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Raw
from sqlalchemy import create_engine, inspect, select

from headgate.ledger import tables
from headgate.ledger.fold import Batch, Caller, Held
from headgate.ledger.folded import FoldedHold, FoldedSettle, decode
from headgate.ledger.rows import (
    END_COLUMNS,
    attempt_values,
    end_values,
    usual_end,
    usual_hold,
)
from headgate.ledger.store_fold import keep
from headgate.ledger.store_usual import STATES, TOGETHER, USUAL_END, USUAL_HOLD
from headgate.records.charge import ChargeLine
from headgate.records.journal import CacheNote, HoldRecord, SettleRecord, SizingNote, VoidRecord
from headgate.store.schema import METADATA
from tests.stores import on_a_file, open_test_store

HOLD = HoldRecord("c.1", 1, 7, 4, 5, 6, 9, 8, 2, True, ("seed", "messages[0].name"))
SIZED = HoldRecord("c.2", 1, 7, 4, 5, 6, 9, 8, sizing=SizingNote(500, 99, 40))
LINE = ChargeLine("output_text", 3, 2_000, 6, "row")
NOTE = CacheNote(-3, ("system",), "changed", "messages[1].content", 900, 4)
SETTLE = SettleRecord(
    *("c.1", 2, 6, "measured", (LINE,), {"output_text": 3}, "m", "u", "q", 200, None, 5, 9, False),
    cache=NOTE,
)
USUAL = USUAL_HOLD | USUAL_END
FOLDED_ALONE = {"extensions"}
NOT_STORED = {"reported_nanos", "trace"}
COLUMNS = {"amount_nanos": "hold_nanos"}
END_NAMES = {"at_ns": "ended_ns", "amount_nanos": "posted_nanos", "by": "closed_by"}


@pytest.mark.parametrize(
    ("folded", "written"), [(FoldedHold, HoldRecord), (FoldedSettle, SettleRecord)]
)
def test_every_field_is_read(
    folded: type[FoldedHold | FoldedSettle], written: type[HoldRecord | SettleRecord]
) -> None:
    """A field added to one and forgotten in the other would be lost on the way to the store."""
    assert (
        set(folded.__struct_fields__) - FOLDED_ALONE == set(written.__struct_fields__) - NOT_STORED
    )
    assert folded.__struct_config__.tag == written.__struct_config__.tag


def test_rows_are_in_the_order_of_the_columns() -> None:
    """Rows are made by position: a column elsewhere would take another's value."""
    hold = FoldedHold("c.1", 1, 2, 3, 4, 5, 6, 7, True, 9, Raw(b"lost"), "priority", 10)
    hold.session, hold.sizing, hold.request_id = "session", Raw(b"sizing"), "request_id"
    hold.extensions = 11
    end = FoldedSettle(
        "c.1",
        12,
        13,
        "measured",
        Raw(b"lines"),
        "served_model",
        "upstream_id",
        "upstream_request_id",
        14,
        15,
        16,
        Raw(b"usage"),
        reason="reason",
        final=False,
        by="by",
        cache=Raw(b"cache"),
        quarantined="quarantined",
    )
    said = dict(
        zip((each.name for each in tables.attempt.columns), attempt_values(hold, end), strict=True)
    )

    texts = [name for name, value in said.items() if isinstance(value, str) and value != name]
    assert texts == ["attempt", "state", "closed_by"]
    numbers = {name: value for name, value in said.items() if isinstance(value, int)}
    assert numbers == {
        **{COLUMNS.get(name, name): getattr(hold, name) for name in INTEGERS_OF_HOLD},
        **{END_NAMES.get(name, name): getattr(end, name) for name in INTEGERS_OF_END},
    }
    assert [name for name in said if name in END_COLUMNS] == list(END_COLUMNS)


@on_a_file
def test_columns_stand_as_the_migrations_made_them(tmp_path: Path) -> None:
    """In another order SQLite copies each value of a statement of several rows once more."""
    columns = inspect(open_test_store(tmp_path)).get_columns("attempt")

    assert [each["name"] for each in columns] == [each.name for each in tables.attempt.columns]


INTEGERS_OF_HOLD = (
    *("at_ns", "amount_nanos", "caller", "route", "decision", "input_tokens_max"),
    *("output_tokens_max", "choices", "stream", "waited_us", "extensions"),
)
INTEGERS_OF_END = ("at_ns", "amount_nanos", "final", "status", "ttft_us", "duration_us")


def test_every_kind_of_end_fills_every_column() -> None:
    """Settled, void or still held: the same columns, those of a void without what it has not."""
    settle = decode(msgspec.json.encode(SETTLE))
    assert isinstance(settle, FoldedSettle)
    void = end_values(VoidRecord("c.1", 3, "connect_failed", final=False))

    assert {len(end_values(settle)), len(void), len(end_values(None))} == {len(END_COLUMNS)}
    said = {name: value for name, value in zip(END_COLUMNS, void, strict=True) if value}
    assert said == {
        "ended_ns": 3,
        "state": "void",
        "reason": "connect_failed",
        "closed_by": "worker",
        "usage": "{}",
        "lines": "[]",
    }


@pytest.mark.parametrize("record", [HOLD, SIZED, SETTLE])
def test_whatever_is_written_is_read_alike(record: HoldRecord | SettleRecord) -> None:
    """Values are the same; what stays text is the text that was written."""
    folded = decode(msgspec.json.encode(record))
    assert isinstance(folded, FoldedHold | FoldedSettle)
    for name in sorted(set(folded.__struct_fields__) - FOLDED_ALONE):
        value, kept = getattr(record, name), getattr(folded, name)
        if isinstance(kept, Raw):
            assert bytes(kept) == msgspec.json.encode(value), name
        else:
            assert kept == value, name


def test_what_is_left_out_of_a_record_is_its_default() -> None:
    """Fields with their default do not stand in the journal."""
    folded = decode(msgspec.json.encode(SettleRecord("c.1", 2, 6, "estimated")))
    assert isinstance(folded, FoldedSettle)
    assert (bytes(folded.lines), bytes(folded.usage), folded.by) == (b"[]", b"{}", "worker")


@pytest.mark.parametrize("unusual", [None, *USUAL])
@pytest.mark.parametrize("apart", [False, True])
def test_what_most_attempts_have_is_stored_as_anything_else(
    unusual: str | None, *, apart: bool
) -> None:
    """The statements for most attempts say themselves what a row of any other attempt would say,
    whether it ends in the stretch that it is held in or in a later one."""
    change = UNUSUAL.get(unusual or "", {})
    held = _held(**change)
    row = _stored([held], apart=apart)[0]

    assert row == attempt_values(held.hold, held.end)
    said = dict(zip((each.name for each in tables.attempt.columns), row, strict=True))
    assert (unusual is None) == all(said[name] == value for name, value in USUAL.items())


USUAL_SETTLE = SettleRecord(
    *("c.1", 2, 6, "measured", (LINE,), {}, "m", "u", "q", 200, None, 5, 9, True)
)
UNUSUAL: dict[str, dict[str, Any]] = {
    "choices": {"choices": 2},
    "lost": {"lost": Raw(b'["seed"]')},
    "priority": {"priority": "batch"},
    "waited_us": {"waited_us": 5},
    "session": {"session": "s"},
    "sizing": {"sizing": Raw(b"{}")},
    "request_id": {"request_id": "r"},
    "extensions": {"extensions": 1},
    "final": {"final": False},
    "status": {"status": 201},
    "reason": {"reason": "stop"},
    "closed_by": {"by": "takeover"},
    "quarantined": {"quarantined": "{}"},
    "usage": {"usage": Raw(b'{"output_text":3}')},
    "cache": {"cache": Raw(b"{}")},
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("apart", [False, True])
def test_usual_attempts_of_each_state_are_stored_as_what_they_are(
    state: str, *, stream: bool, apart: bool
) -> None:
    """Whether it was streamed and how it ended stands in the statement, one for each pair."""
    held = _held(stream=stream, state=state)

    assert usual_hold(held.hold) is not None
    assert usual_end(held.end) is not None
    assert _stored([held], apart=apart) == [attempt_values(held.hold, held.end)]


@pytest.mark.parametrize("count", [1, TOGETHER - 1, TOGETHER, TOGETHER + 1, 3 * TOGETHER + 2])
@pytest.mark.parametrize("apart", [False, True])
def test_each_of_many_attempts_is_stored_once(count: int, *, apart: bool) -> None:
    """Several rows go into one statement, and those that are left into one each."""
    attempts = [_held(f"c{number:02}.1", at_ns=number) for number in range(count)]

    assert _stored(attempts, apart=apart) == [
        attempt_values(each.hold, each.end) for each in attempts
    ]


def test_usual_and_other_attempts_are_stored_side_by_side() -> None:
    """One that is unlike the others takes none of them with it."""
    changes: list[dict[str, Any]] = [*UNUSUAL.values(), *[{}] * (TOGETHER + 1)]
    attempts = [_held(f"c{number:02}.1", **each) for number, each in enumerate(changes)]

    assert _stored(attempts, apart=False) == [
        attempt_values(each.hold, each.end) for each in attempts
    ]


def _held(attempt: str = "c.1", **change: Any) -> Held:
    """Return a usual attempt that has ended, but for what is changed of its records."""
    hold = _folded(HoldRecord("c.1", 1, 7, 4, 5, 6, 9, 8, stream=True))
    end = _folded(USUAL_SETTLE)
    assert isinstance(hold, FoldedHold)
    assert isinstance(end, FoldedSettle)
    change["attempt"] = attempt
    of_hold = {name: value for name, value in change.items() if name in hold.__struct_fields__}
    of_end = {name: value for name, value in change.items() if name in end.__struct_fields__}
    hold = msgspec.structs.replace(hold, **of_hold)
    held = Held(hold, Caller(4, ()), stored=False)
    held.end = msgspec.structs.replace(end, **of_end)
    return held


def _stored(attempts: list[Held], *, apart: bool) -> list[tuple[object, ...]]:
    """Store attempts, each with its end in the stretch of its hold or apart; return the rows."""
    engine = create_engine("sqlite://")
    METADATA.create_all(engine)
    ends = [each.end for each in attempts if each.end is not None]
    with engine.begin() as connection:
        if apart:
            opened = [Held(each.hold, each.caller, stored=False) for each in attempts]
            keep(connection, "j", Batch(opened=opened))
            keep(connection, "j", Batch(closed=ends))
        else:
            keep(connection, "j", Batch(opened=list(attempts), ended=list(attempts)))
        rows = connection.execute(select(tables.attempt).order_by(tables.attempt.c.attempt))
        return [tuple(row) for row in rows]


def _folded(record: HoldRecord | SettleRecord) -> object:
    return decode(msgspec.json.encode(record))
