"""The records as folding reads them say what the records that are written say, for the store."""

import msgspec
import pytest
from sqlalchemy import create_engine, select

from headgate.ledger import tables
from headgate.ledger.fold import Batch, Caller, Held
from headgate.ledger.folded import FoldedHold, FoldedSettle, decode
from headgate.ledger.rows import END_COLUMNS, end_values, hold_values, usual_values
from headgate.ledger.store_fold import STATES, USUAL, keep
from headgate.records.charge import ChargeLine
from headgate.records.journal import CacheNote, HoldRecord, SettleRecord, SizingNote, VoidRecord
from headgate.store.schema import METADATA

HOLD = HoldRecord("c.1", 1, 7, 4, 5, 6, 9, 8, 2, True, ("seed", "messages[0].name"))
SIZED = HoldRecord("c.2", 1, 7, 4, 5, 6, 9, 8, sizing=SizingNote(500, 99, 40))
LINE = ChargeLine("output_text", 3, 2_000, 6, "row")
NOTE = CacheNote(-3, ("system",), "changed", "messages[1].content", 900, 4)
SETTLE = SettleRecord(
    *("c.1", 2, 6, "measured", (LINE,), {"output_text": 3}, "m", "u", "q", 200, None, 5, 9, False),
    cache=NOTE,
)
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
    """Rows are made of records by position: a column elsewhere would take another's value."""
    hold = [COLUMNS.get(name, name) for name in FoldedHold.__struct_fields__]
    end = [END_NAMES.get(name, name) for name in FoldedSettle.__struct_fields__[1:]]

    assert [column.name for column in tables.attempt.columns] == hold + end
    assert list(END_COLUMNS) == end


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
        if isinstance(kept, msgspec.Raw):
            assert bytes(kept) == msgspec.json.encode(value), name
        else:
            assert kept == value, name


def test_what_is_left_out_of_a_record_is_its_default() -> None:
    """Fields with their default do not stand in the journal."""
    folded = decode(msgspec.json.encode(SettleRecord("c.1", 2, 6, "estimated")))
    assert isinstance(folded, FoldedSettle)
    assert (bytes(folded.lines), bytes(folded.usage), folded.by) == (b"[]", b"{}", "worker")


@pytest.mark.parametrize("unusual", [None, *USUAL])
def test_what_most_attempts_have_is_stored_as_anything_else(unusual: str | None) -> None:
    """The statement for most attempts says itself what a row of any other attempt would say."""
    hold, end = _folded(HoldRecord("c.1", 1, 7, 4, 5, 6, 9, 8, stream=True)), _folded(USUAL_SETTLE)
    assert isinstance(hold, FoldedHold)
    assert isinstance(end, FoldedSettle)
    change = UNUSUAL.get(unusual or "", {})
    hold = msgspec.structs.replace(hold, **{k: v for k, v in change.items() if hasattr(hold, k)})
    end = msgspec.structs.replace(end, **{k: v for k, v in change.items() if hasattr(end, k)})
    engine = create_engine("sqlite://")
    METADATA.create_all(engine)

    with engine.begin() as connection:
        keep(connection, "j", _ended(hold, end))
        row = connection.execute(select(tables.attempt)).one()

    assert tuple(row) == hold_values(hold) + end_values(end)
    assert (unusual is None) == all(getattr(row, name) == value for name, value in USUAL.items())


USUAL_SETTLE = SettleRecord(
    *("c.1", 2, 6, "measured", (LINE,), {}, "m", "u", "q", 200, None, 5, 9, True)
)
UNUSUAL: dict[str, dict[str, object]] = {
    "choices": {"choices": 2},
    "lost": {"lost": msgspec.Raw(b'["seed"]')},
    "priority": {"priority": "batch"},
    "waited_us": {"waited_us": 5},
    "session": {"session": "s"},
    "sizing": {"sizing": msgspec.Raw(b"{}")},
    "request_id": {"request_id": "r"},
    "extensions": {"extensions": 1},
    "final": {"final": False},
    "status": {"status": 201},
    "reason": {"reason": "stop"},
    "closed_by": {"by": "takeover"},
    "quarantined": {"quarantined": "{}"},
    "usage": {"usage": msgspec.Raw(b'{"output_text":3}')},
    "cache": {"cache": msgspec.Raw(b"{}")},
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("state", STATES)
def test_usual_attempts_of_each_state_are_stored_as_what_they_are(state: str, stream: bool) -> None:
    """Whether it was streamed and how it ended stands in the statement, one for each pair."""
    hold, end = _folded(HoldRecord("c.1", 1, 7, 4, 5, 6, 9, 8, stream=True)), _folded(USUAL_SETTLE)
    assert isinstance(hold, FoldedHold)
    assert isinstance(end, FoldedSettle)
    hold.stream = stream
    end = msgspec.structs.replace(end, state=state)
    engine = create_engine("sqlite://")
    METADATA.create_all(engine)

    with engine.begin() as connection:
        keep(connection, "j", _ended(hold, end))
        row = connection.execute(select(tables.attempt)).one()

    assert usual_values(hold, end) is not None
    assert tuple(row) == hold_values(hold) + end_values(end)


def _ended(hold: FoldedHold, end: FoldedSettle) -> Batch:
    held = Held(hold, Caller(4, ()), stored=False)
    held.end = end
    return Batch(opened=[held], ended=[held])


def _folded(record: HoldRecord | SettleRecord) -> object:
    return decode(msgspec.json.encode(record))
