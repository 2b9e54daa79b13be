"""The records as folding reads them say what the records that are written say."""

import msgspec
import pytest
from msgspec import Struct

from headgate.ledger.folded import FoldedHold, FoldedSettle, decode
from headgate.records.charge import ChargeLine
from headgate.records.journal import HoldRecord, SettleRecord

HOLD = HoldRecord(
    "c.1",
    "c",
    1,
    7,
    ("w@1", "o@1"),
    "ann",
    "red",
    "k",
    "m",
    "d",
    "openai_chat",
    1,
    9,
    9,
    2,
    True,
    "r",
)
LINE = ChargeLine("output_text", 3, 2_000, 6, "row")
SETTLE = SettleRecord(
    "c.1", "c", 2, 6, "measured", (LINE,), {"output_text": 3}, "m", "u", "q", 200, None, 5, 9, False
)


@pytest.mark.parametrize(
    ("folded", "written"), [(FoldedHold, HoldRecord), (FoldedSettle, SettleRecord)]
)
def test_the_fields_are_the_same_in_the_same_order(
    folded: type[Struct], written: type[Struct]
) -> None:
    """A field added to one and forgotten in the other would be lost on the way to the store."""
    assert folded.__struct_fields__ == written.__struct_fields__
    assert folded.__struct_config__.tag == written.__struct_config__.tag


@pytest.mark.parametrize("record", [HOLD, SETTLE])
def test_whatever_is_written_is_read_alike(record: HoldRecord | SettleRecord) -> None:
    """Values are the same; what stays text is the text that was written."""
    folded = decode(msgspec.json.encode(record))
    assert isinstance(folded, FoldedHold | FoldedSettle)
    for name in record.__struct_fields__:
        value, kept = getattr(record, name), getattr(folded, name)
        if isinstance(kept, msgspec.Raw):
            assert bytes(kept) == msgspec.json.encode(value), name
        else:
            assert kept == value, name


def test_what_is_left_out_of_a_record_is_its_default() -> None:
    """Fields with their default do not stand in the journal."""
    folded = decode(msgspec.json.encode(SettleRecord("c.1", "c", 2, 6, "estimated")))
    assert isinstance(folded, FoldedSettle)
    assert (bytes(folded.lines), bytes(folded.usage), folded.by) == (b"[]", b"{}", "worker")
