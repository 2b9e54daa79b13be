"""A batch that has ended is settled: metered line by line, put into the books, kept for its client.

Everything that costs time is done in a thread, and its journal is named by the batch: it is written
beside the journals and put among them whole, so a crash leaves all of it there or nothing.
"""

import asyncio
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from headgate.catalog.rates import RateCard, UnpricedMeterError
from headgate.config.snapshot import Snapshot
from headgate.dialects.batches.carriers.registry import Carrier
from headgate.dialects.batches.lines import Outcome
from headgate.dialects.batches.registry import BatchWire
from headgate.dialects.batches.steps import Look
from headgate.dialects.registry import spoken_dialects
from headgate.gateway.batching.making import LINES_FILE
from headgate.ledger.batches import End, records
from headgate.ledger.keeper import Keeper
from headgate.providers.registry import providers
from headgate.records.batch import Batch, BatchLine, Counts, StoredFile
from headgate.records.demand import Terms
from headgate.store.disk import Disk
from headgate.store.journal_writer import JournalWriter
from headgate.store.private import write_private
from headgate.units.errors import JournalError
from headgate.units.usage import UsageError

WRITER = "steward"
SEGMENT_BYTES = 1 << 20
ABSURD = 100
"""So many times what a line was held at is no usage."""
FOLD_LOOK_S = 0.02
CANCELLED = "cancelled"
"""How a batch ended that its client has cancelled."""


class Settled(NamedTuple):
    """What a batch came to."""

    counts: Counts
    posted_nanos: int
    files: tuple[StoredFile, ...]
    output_file: str | None
    error_file: str | None


class Meter:
    """Finds what the lines of one batch cost, at the prices of when it was made."""

    def __init__(self, batch: Batch, snapshot: Snapshot) -> None:
        self._batch = batch
        self._snapshot = snapshot
        self._dialects = spoken_dialects()
        self._kinds = providers()
        self._cards: dict[tuple[str, str, Terms], RateCard | None] = {}

    def end_of(self, line: BatchLine, outcome: Outcome | None, *, whole: bool) -> End:
        """Return what a line came to; `whole` tells whether one without a result may have cost."""
        if outcome is None:
            if whole:
                return _bound(line, "batch_unreported")
            return End(0, "measured", reason="batch_not_run")
        if outcome.result != "succeeded" or outcome.reply is None:
            reason = f"batch_{outcome.result}"
            return End(0, "measured", outcome.status, reason, reply_id=outcome.reply_id)
        return self._rated(line, outcome, outcome.reply)

    def _rated(self, line: BatchLine, outcome: Outcome, reply: bytes) -> End:
        deployment = self._snapshot.deployments.get(line.deployment)
        if deployment is None:
            return _bound(line, "deployment_gone")
        provider = self._snapshot.providers[deployment.provider]
        report = self._dialects[line.dialect].report(reply)
        about = (report.served_model, report.upstream_id, outcome.reply_id)
        asked = Terms("batch", line.region, line.cache_retention)
        try:
            metered = self._kinds[provider.kind].metered(report, asked)
        except UsageError:
            return _bound(line, "usage_unreadable", *about)
        contracts = self._snapshot.price_book.contract_nodes
        own = tuple(node for node in deployment.nodes if node in contracts)
        terms = metered.terms._replace(tier="batch", nodes=self._batch.terms + own)
        served = report.served_model
        if served is None or served == deployment.model:
            served = deployment.priced_as
        card = self._card(deployment.seller, served, terms)
        if card is None:
            return _bound(line, "unpriced", *about)
        try:
            charge = card.rate(metered.usage)
        except UnpricedMeterError as error:
            return _bound(line, f"unpriced: {error.meter}", *about)
        if charge.amount_nanos > ABSURD * line.hold_nanos > 0:
            return _bound(line, "usage_absurd", *about)
        usage = metered.usage.quantities()
        amount = charge.amount_nanos
        return End(amount, "measured", outcome.status, None, charge.lines, usage, *about)

    def _card(self, seller: str, model: str, terms: Terms) -> RateCard | None:
        key = (seller, model, terms)
        if key not in self._cards:
            at_ns = self._batch.created_ns
            self._cards[key] = self._snapshot.price_book.rate_card(seller, model, terms, at_ns)
        return self._cards[key]


def _bound(
    line: BatchLine,
    reason: str,
    served: str | None = None,
    upstream: str | None = None,
    reply: str | None = None,
) -> End:
    return End(line.hold_nanos, "estimated", 200, reason, (), {}, served, upstream, reply)


class Settling(NamedTuple):
    """What a batch is settled from.

    Attributes:
        look: How it ended.
        results: The files of results.
        folder: The data directory.
    """

    batch: Batch
    wire: BatchWire
    carrier: Carrier
    snapshot: Snapshot
    look: Look
    results: Sequence[bytes]
    folder: Path
    at_ns: int


def prepare(settling: Settling, journal: Path | None) -> Settled:
    """Meter all lines, keep what is for the client, and write the journal.

    Args:
        settling: The batch.
        journal: Where the journal is to be, None when it has been there before.
    """
    batch, folder = settling.batch, settling.folder / "batches" / settling.batch.id
    lines = msgspec.json.decode((folder / LINES_FILE).read_bytes(), type=list[BatchLine])
    outcomes = list(_outcomes(settling, {line.number: line.custom_id for line in lines}))
    by_number = {each.number: each for each in outcomes if each.number is not None}
    meter = Meter(batch, settling.snapshot)
    whole = settling.look.whole
    ends = {
        line.number: meter.end_of(line, by_number.get(line.number), whole=whole) for line in lines
    }
    if journal is not None:
        _write(settling, lines, ends, journal)
    apart = settling.wire.SPLITS
    good = [each.told for each in outcomes if not apart or each.result == "succeeded"]
    bad = [each.told for each in outcomes if apart and each.result != "succeeded"]
    good += _untold(settling, [line for line in lines if line.number not in by_number])
    output, errors = _keep(settling, "output", good), _keep(settling, "errors", bad)
    return Settled(
        _counts(lines, by_number, cancelled=settling.look.ended == CANCELLED),
        sum(end.amount_nanos for end in ends.values()),
        tuple(file for file in (output, errors) if file is not None),
        None if output is None else output.id,
        None if errors is None else errors.id,
    )


def _outcomes(settling: Settling, custom_ids: Mapping[int, str]) -> Iterable[Outcome]:
    """Yield the results that are of lines of the batch, the first of each."""
    seen: set[int] = set()
    for file in settling.results:
        for text in file.splitlines():
            if not text.strip():
                continue
            outcome = settling.carrier.outcome(text, custom_ids)
            number = outcome.number
            if number is not None and number in custom_ids and number not in seen:
                seen.add(number)
                yield outcome


def _untold(settling: Settling, lines: Iterable[BatchLine]) -> list[bytes]:
    """Return what their client is told of lines that have no result."""
    look = settling.look
    why = None if look.ended == CANCELLED else look.error or "Its provider tells no result of it."
    told = (settling.wire.render_untold(line.custom_id, why) for line in lines)
    return [each for each in told if each is not None]


def _counts(
    lines: Sequence[BatchLine], outcomes: Mapping[int, Outcome], *, cancelled: bool
) -> Counts:
    results = [each.result for number, each in outcomes.items()]
    told = Counts(
        *(results.count(name) for name in ("succeeded", "errored", "canceled", "expired"))
    )
    missing = len(lines) - len(results)
    if cancelled:
        return msgspec.structs.replace(told, canceled=told.canceled + missing)
    return msgspec.structs.replace(told, errored=told.errored + missing)


def _keep(settling: Settling, what: str, told: Sequence[bytes]) -> StoredFile | None:
    """Keep results where files lie; asked for again they are written again, the same."""
    if not told:
        return None
    batch = settling.batch
    content = b"".join(each + b"\n" for each in told)
    file = StoredFile(
        id=f"file-{batch.call.partition('_')[2]}-{what}",
        node=batch.node,
        principal=batch.principal,
        filename=f"{batch.id}_{what}.jsonl",
        purpose="batch_output",
        size=len(content),
        created_ns=settling.at_ns,
        kept_ns=batch.output_kept_ns,
    )
    write_private(settling.folder / "files" / file.id, content)
    return file


def _write(
    settling: Settling, lines: Sequence[BatchLine], ends: Mapping[int, End], journal: Path
) -> None:
    """Write the journal, then put it in its place."""
    batch, at_ns = settling.batch, settling.at_ns
    made = settling.folder / "batches" / batch.id / journal.name
    shutil.rmtree(made, ignore_errors=True)
    epoch = batch.call.partition("_")[2]
    writer = JournalWriter(
        made, worker=WRITER, epoch=epoch, at_ns=at_ns, segment_bytes=SEGMENT_BYTES
    )
    for record in records(batch, lines, ends, at_ns):
        writer.append(record)
    writer.close(at_ns)
    if writer.failed:
        raise JournalError(f"the disk has refused {made}")
    disk = Disk()
    disk.sync_folder(made)
    journal.parent.mkdir(mode=0o700, exist_ok=True)
    made.rename(journal)
    disk.sync_folder(journal.parent)


def journal_of(batch: Batch, keeper: Keeper) -> Path:
    """Return where the journal of a batch lies, or will."""
    return keeper.root / f"{WRITER}-{batch.id}"


async def settle(settling: Settling, keeper: Keeper) -> Settled:
    """Put a batch into the books, once, and free what it did not use.

    Raises:
        StoreError: The store cannot be written.
        JournalError: There is no room for the journal; nothing was written.
    """
    batch = settling.batch
    journal = journal_of(batch, keeper)
    known = journal.exists()
    settled = await asyncio.to_thread(prepare, settling, None if known else journal)
    keeper.discover()
    # The steward folds all journals in its own pace; this one is no reason to stop lending.
    while journal.name in keeper.journals:  # noqa: ASYNC110 - the keeper tells nobody
        await asyncio.sleep(FOLD_LOOK_S)
    keeper.end_allotments(lambda each: each.window == batch.window, settling.at_ns)
    return settled
