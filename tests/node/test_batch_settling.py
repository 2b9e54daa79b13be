"""Settling a batch, without a provider: each line as its result says, once whatever crashes."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from sqlalchemy import Engine, select

from headgate.config.load import load
from headgate.config.snapshot import Snapshot
from headgate.dialects.batches.carriers.registry import carriers
from headgate.dialects.batches.registry import wires
from headgate.dialects.batches.steps import Look
from headgate.gateway.batching.making import write_down
from headgate.insights.books import check_books
from headgate.ledger.allotments import Allotment
from headgate.ledger.keeper import Keeper
from headgate.ledger.tables import attempts
from headgate.node.batch_settling import Settled, Settling, journal_of, prepare, settle
from headgate.records.batch import BatchLine, Counts
from tests.ledger.test_batches import BATCH, WINDOW
from tests.node.harness import write_config
from tests.stores import open_test_store

LIMIT, HOLD = 10_000_000, 1_000_000
PARENT = "team@once"
AT_NS = 1_790_000_000_000_000_000
USAGE = {"prompt_tokens": 1_000, "completion_tokens": 100, "total_tokens": 1_100}
COST = 375_000 + 225_000
"""A thousand tokens of gpt-5.4-mini and a hundred of its answer, at batch rates."""


class Desk(NamedTuple):
    """A store, with a batch of four lines that is held and has ended."""

    engine: Engine
    settling: Settling

    def keeper(self) -> Keeper:
        """Return a keeper as a new steward makes it."""
        made = Keeper(self.engine, self.settling.folder / "journal", lambda _window: LIMIT)
        made.discover()
        return made

    def states(self) -> list[tuple[str, int, str | None]]:
        """Return what the attempts came to, in the order of the lines."""
        columns = attempts.c
        wanted = select(columns.state, columns.posted_nanos, columns.reason)
        with self.engine.connect() as connection:
            rows = connection.execute(wanted.order_by(columns.attempt)).all()
        return [tuple(row) for row in rows]


def result(number: int, usage: object, status: int = 200) -> dict[str, object]:
    """Return a line of results."""
    body = {"id": "x", "object": "chat.completion", "model": "gpt-5.4-mini", "usage": usage}
    response = {"status_code": status, "request_id": "r", "body": body}
    return {"custom_id": f"call_1-{number}", "response": response, "error": None}


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """A configuration with the usual deployments."""
    url, config = "http://127.0.0.1:1/v1", tmp_path_factory.mktemp("config") / "headgate.toml"
    write_config(config, openai_url=url, anthropic_url=url, gemini_url=url)
    return load(config, {})


@pytest.fixture
def desk(tmp_path: Path, snapshot: Snapshot) -> Iterator[Desk]:
    """Line 1 was served, 2 failed, 3 says no usage, and of 4 nothing is said."""
    lines = tuple(
        BatchLine(number, f"row {number}", "mini", "mini", "openai_chat", HOLD, 9, 9)
        for number in range(1, 5)
    )
    batch = msgspec.structs.replace(
        BATCH,
        wire="openai_batches",
        parents=(PARENT,),
        provider="openai",
        lines=4,
        hold_nanos=4 * HOLD,
        created_ns=AT_NS,
        stage="sent",
    )
    write_down(tmp_path / "data" / "batches" / batch.id, lines, b"")
    told = (result(1, USAGE), result(2, None, 400), result(3, None), result(9, USAGE))
    results = [b"\n".join(json.dumps(each).encode() for each in told)]
    look = Look("completed", Counts(), whole=True)
    wire, folder = wires()[batch.wire], tmp_path / "data"
    settling = Settling(
        batch, wire, carriers()[batch.wire], snapshot, look, results, folder, AT_NS + 5
    )
    engine = open_test_store(tmp_path / "data")
    yield Desk(engine, settling)
    engine.dispose()


def carve(keeper: Keeper) -> None:
    """Carve the money of the batch."""
    assert not keeper.carve([Allotment(WINDOW, 4 * HOLD, (PARENT,), "", (), "batch:alice")], AT_NS)


def settled(desk: Desk, keeper: Keeper) -> Settled:
    """Settle the batch while the steward folds."""

    async def run() -> Settled:
        settling = asyncio.create_task(settle(desk.settling, keeper))
        while not settling.done():
            keeper.fold()
            await asyncio.sleep(0)
        return settling.result()

    return asyncio.run(run())


def free(keeper: Keeper) -> int:
    """Return what is left of the budget above."""
    return keeper.book.windows[PARENT].free_nanos


def test_each_line_is_posted_by_what_is_told_of_it(desk: Desk) -> None:
    """Measured, at nothing, or at its hold where nobody knows; the rest flows back."""
    keeper = desk.keeper()
    carve(keeper)
    assert free(keeper) == LIMIT - 4 * HOLD

    came_to = settled(desk, keeper)

    assert desk.states() == [
        ("measured", COST, None),
        ("measured", 0, "batch_errored"),
        ("estimated", HOLD, "usage_unreadable"),
        ("estimated", HOLD, "batch_unreported"),
    ]
    assert came_to.posted_nanos == COST + 2 * HOLD
    assert free(keeper) == LIMIT - COST - 2 * HOLD
    assert check_books(desk.engine, keeper.root).equal


def test_a_crash_after_the_journal_was_written_posts_nothing_twice(desk: Desk) -> None:
    """The next steward finds it there, and ends what is left of the batch."""
    before = desk.keeper()
    carve(before)
    prepare(desk.settling, journal_of(desk.settling.batch, before))

    after = desk.keeper()
    came_to = settled(desk, after)
    again = settled(desk, after)

    assert came_to == again
    assert len(desk.states()) == 4
    assert free(after) == LIMIT - COST - 2 * HOLD
    assert check_books(desk.engine, after.root).equal


def test_a_crash_while_it_is_written_leaves_nothing(desk: Desk) -> None:
    """What was written beside the journals is begun anew."""
    keeper = desk.keeper()
    carve(keeper)
    journal = journal_of(desk.settling.batch, keeper)
    torn = desk.settling.folder / "batches" / desk.settling.batch.id / journal.name
    torn.mkdir()
    (torn / "000001.hgj").write_bytes(b"torn")

    settled(desk, keeper)

    assert len(desk.states()) == 4
    assert not torn.exists()


CANCELED = {"type": "canceled"}
REFUSED = {
    "type": "errored",
    "error": {
        "type": "error",
        "error": {"type": "invalid_request_error", "message": "no such beta"},
        "request_id": None,
    },
}
UNSENT = {
    "cancelled": (Look("cancelled", Counts()), CANCELED, Counts(canceled=4)),
    "refused": (Look("failed", Counts(), error="no such beta"), REFUSED, Counts(errored=4)),
}


@pytest.mark.parametrize(("look", "told", "counts"), UNSENT.values(), ids=UNSENT.keys())
def test_message_batches_tell_a_result_of_every_line(
    desk: Desk, look: Look, told: object, counts: Counts
) -> None:
    """Also of a batch that its provider never took, whose clients wait for each of their ids."""
    kind = "anthropic_batches"
    desk = desk._replace(
        settling=desk.settling._replace(
            wire=wires()[kind], carrier=carriers()[kind], look=look, results=[]
        )
    )
    keeper = desk.keeper()
    carve(keeper)

    came_to = settled(desk, keeper)

    assert (came_to.counts, came_to.posted_nanos) == (counts, 0)
    lines = (desk.settling.folder / "files" / str(came_to.output_file)).read_text().splitlines()
    assert [json.loads(each) for each in lines] == [
        {"custom_id": f"row {number}", "result": told} for number in range(1, 5)
    ]
