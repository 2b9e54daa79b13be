"""Making corrections: each batch is a journal of its own, written whole and then folded.

So a correction reaches the books as everything else does. What a crash leaves of a batch are
whole corrections; asked for again, the rest are made and those are known.
"""

from collections.abc import Sequence

from sqlalchemy import Engine

from headgate.ledger.adjustments import plan
from headgate.ledger.keeper import Keeper
from headgate.ledger.store_adjustments import find_corrected, find_made
from headgate.records.adjustment import Adjusted, Adjustment
from headgate.records.journal import AdjustmentRecord
from headgate.store.journal_writer import JournalWriter
from headgate.units.errors import JournalError

WRITER = "steward"
SEGMENT_BYTES = 1 << 20


def adjust(
    keeper: Keeper, engine: Engine, wanted: Sequence[Adjustment], *, by: str, epoch: str, at_ns: int
) -> Adjusted:
    """Make corrections, durably, once each.

    Args:
        keeper: Of the store.
        engine: The same store.
        wanted: The corrections.
        by: Who asks, as the audit chain names them.
        epoch: Unique; the journal is named by it.
        at_ns: Now.

    Raises:
        JournalError: There is no room for them. Some may have been made.
        StoreError: The store could not be written.
    """
    # What is in the journals by now may be what is to be corrected.
    _fold(keeper)
    with engine.connect() as connection:
        made = find_made(connection, [each.id for each in wanted])
        named = {each.attempt for each in wanted if each.attempt is not None}
        attempts = find_corrected(connection, sorted(named))
    planned = plan(wanted, made, attempts, by=by, at_ns=at_ns)
    if planned.records:
        _write(keeper, planned.records, epoch, at_ns)
    return Adjusted(
        made=len(planned.records),
        amount_nanos=sum(record.amount_nanos for record in planned.records),
        known=planned.known,
        refused=tuple(planned.refused),
    )


def _write(keeper: Keeper, records: Sequence[AdjustmentRecord], epoch: str, at_ns: int) -> None:
    directory = keeper.root / f"{WRITER}-{epoch}"
    writer = JournalWriter(
        directory, worker=WRITER, epoch=epoch, at_ns=at_ns, segment_bytes=SEGMENT_BYTES
    )
    try:
        for record in records:
            writer.append(record)
    finally:
        writer.close(at_ns)
        keeper.discover()
        _fold(keeper)
    if writer.failed:
        raise JournalError(f"the disk has refused {directory}; what could be read of it counts")


def _fold(keeper: Keeper) -> None:
    while keeper.fold() and keeper.behind:
        pass
