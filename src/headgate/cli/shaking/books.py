"""What a run left in its books, beside what its clients saw and what its providers counted."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, select
from sqlalchemy.engine import RowMapping

from headgate.cli.reading import reading_engine
from headgate.cli.shaking.asking import Asked
from headgate.economics.shocks.tally import Answer
from headgate.insights.books import check_books
from headgate.ledger.rows import usage_of_row
from headgate.ledger.tables import attempts
from headgate.node.paths import journal_root
from headgate.simulator.bill import BillEntry
from headgate.units.usage import INPUT_METERS, OUTPUT_METERS

MEASURED = "measured"
PROBLEMS_MAX = 3


class Books(NamedTuple):
    """What was read.

    Attributes:
        problems: What does not balance; empty when all does.
    """

    answers: tuple[Answer, ...]
    problems: tuple[str, ...]


def read_books(data_dir: Path, asked: Sequence[Asked], bill: Iterable[BillEntry]) -> Books:
    """Return what became of each call, and whether all of it balances.

    Args:
        data_dir: Of a node that has ended.
        asked: What its clients saw.
        bill: What its providers counted.

    Raises:
        StoreError: There is no store, or it cannot be read.
    """
    with reading_engine(data_dir) as engine:
        checked = check_books(engine, journal_root(data_dir))
        with engine.connect() as connection:
            rows = _rows(connection)
    problems = list(checked.problems)
    if checked.held_total_nanos:
        problems.append(f"{checked.held_total_nanos} nano-dollars are still held.")
    every = [row for of_call in rows.values() for row in of_call]
    problems += _uncounted(every, bill)
    answers = tuple(_answer(one, rows) for one in asked)
    return Books(answers, tuple(problems[:PROBLEMS_MAX]))


def _rows(connection: Connection) -> dict[str, list[RowMapping]]:
    rows: dict[str, list[RowMapping]] = {}
    for row in connection.execute(select(attempts).order_by(attempts.c.attempt)).mappings():
        rows.setdefault(row["call"], []).append(row)
    return rows


def _answer(asked: Asked, rows: dict[str, list[RowMapping]]) -> Answer:
    mine = [row for call in asked.calls for row in rows.get(call, ())]
    last = mine[-1] if mine and not asked.code else None
    usage = {} if last is None else usage_of_row(last)
    return Answer(
        deployment=None if last is None else last["deployment"],
        code=asked.code or ("" if last is not None else "no_attempt"),
        posted_nanos=sum(row["posted_nanos"] for row in mine),
        estimated_nanos=sum(row["posted_nanos"] for row in mine if row["state"] != MEASURED),
        prompt_tokens=sum(usage.get(meter, 0) for meter in INPUT_METERS),
        cache_read=usage.get("cache_read", 0),
        attempts=len(mine),
        asked=len(asked.calls),
        waited=any(row["waited_us"] for row in mine),
    )


def _uncounted(rows: Iterable[RowMapping], bill: Iterable[BillEntry]) -> Iterator[str]:
    """Yield where measured tokens are not what a provider counted for the same reply."""
    counted = {entry.reply_id: entry.usage for entry in bill}
    for row in rows:
        if row["state"] != MEASURED:
            continue
        usage = usage_of_row(row)
        booked = tuple(
            sum(usage.get(meter, 0) for meter in meters)
            for meters in (INPUT_METERS, OUTPUT_METERS, ("cache_read",))
        )
        found = counted.pop(row["upstream_id"], None)
        told = (0, 0, 0) if found is None else (found.prompt, found.output, found.cache_read)
        if booked != told:
            yield f"{row['attempt']}: booked {booked} tokens, the provider counted {told}."
    if counted:
        yield f"{len(counted)} replies that a provider counted are not measured in the books."
