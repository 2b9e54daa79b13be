"""A batch in the books: whatever its lines came to, each has one hold and one end."""

import itertools

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from headgate.ledger.allotments import Allotment, batch_window
from headgate.ledger.batches import End, records
from headgate.ledger.fold import Known, fold
from headgate.ledger.folded import decode
from headgate.records.batch import Batch, BatchLine
from headgate.records.charge import ChargeLine

WINDOW = batch_window("alice", "batch_1")
BATCH = Batch(
    id="batch_1",
    wire="w",
    node="",
    call="call_1",
    principal="alice",
    team="research",
    key="alice",
    run=None,
    tags=(),
    window=WINDOW,
    parents=("team@once",),
    waived=(),
    terms=(),
    provider="p",
    endpoint="/v1/x",
    input_file=None,
    metadata="{}",
    lines=0,
    hold_nanos=0,
    created_ns=5_000,
)


def line(number: int, hold_nanos: int, model: str) -> BatchLine:
    """Return a line."""
    return BatchLine(number, f"row {number}", model, f"at-{model}", "d", hold_nanos, 9, 9)


def end(posted_nanos: int, hold_nanos: int) -> End:
    """Return what a line came to: nothing, what it was held at, or what was measured."""
    if posted_nanos == 0:
        return End(0, "measured", reason="batch_errored")
    if posted_nanos == hold_nanos:
        return End(hold_nanos, "estimated", reason="batch_unreported")
    lines = (ChargeLine("output_text", 1, posted_nanos * 1_000_000, posted_nanos, "row"),)
    return End(posted_nanos, "measured", 200, None, lines)


amounts = st.integers(0, 1_000)


@given(st.lists(st.tuples(amounts, amounts, st.sampled_from("abc")), max_size=8))
def test_a_batch_posts_what_its_lines_came_to_and_holds_nothing(
    drawn: list[tuple[int, int, str]],
) -> None:
    """Only its own window is moved, and the attempts carry what clients call the lines."""
    lines = [line(number, hold, model) for number, (hold, _, model) in enumerate(drawn, 1)]
    ends = {
        number: end(min(posted, hold), hold) for number, (hold, posted, _) in enumerate(drawn, 1)
    }

    written = [decode(msgspec.json.encode(each)) for each in records(BATCH, lines, ends, 6_000)]
    known = Known(itertools.count(1))
    batch = fold(written, known)

    assert not known.open_holds
    assert [each.hold.request_id for each in batch.ended] == [each.custom_id for each in lines]
    assert {each.hold.session for each in batch.ended} <= {"batch_1"}
    assert set(batch.movements) <= {WINDOW}
    posted = sum(each.amount_nanos for each in ends.values())
    for movement in batch.movements.values():
        assert (movement.held_nanos, movement.posted_nanos) == (0, posted)


def test_no_key_and_no_time_ends_the_money_of_a_batch() -> None:
    """Its key may be revoked while its provider works on."""
    money = Allotment(WINDOW, 5, ("team@once",), "", (), "batch:alice")

    assert not money.is_over(10**30, keys=(), revoked=())
