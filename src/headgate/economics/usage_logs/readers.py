"""The processes of one import: each reads batches of pieces into the store."""

import gc
import multiprocessing
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import closing
from multiprocessing.synchronize import Lock
from pathlib import Path

from headgate.catalog.prices import PriceBook
from headgate.economics.usage_logs.load_usage import Loader, Outcome, Piece
from headgate.economics.usage_logs.pricing import Pricer
from headgate.economics.usage_logs.store import UsageStore

PROCESSES_MAX = 8
ONE_PROCESS_BYTES = 16 * 1024 * 1024
"""Less than this is read quicker than processes start."""
BATCH_BYTES = 8 * 1024 * 1024


class Readers:
    """Reads pieces of logs into a store, in processes of its own where there is enough to read.

    The processes start here. The caller must not have the store open then: none may inherit it.

    Args:
        work: The pieces.
        path: The store.
        book: The prices.
    """

    def __init__(self, work: Iterable[Piece], path: Path, book: PriceBook) -> None:
        self._batches = list(_batches(work))
        self._path = path
        self._book = book
        size = sum(piece.end - piece.start for batch in self._batches for piece in batch)
        processes = min(PROCESSES_MAX, os.cpu_count() or 1, len(self._batches))
        self._pool: ProcessPoolExecutor | None = None
        if processes <= 1 or size < ONE_PROCESS_BYTES:
            return
        # Where fork is safe it saves each process loading everything anew.
        context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
        self._pool = ProcessPoolExecutor(processes, context, _begin, (path, book, context.Lock()))
        self._promised = [self._pool.submit(_load, batch) for batch in self._batches]

    def outcomes(self) -> Iterator[list[Outcome]]:
        """Yield what became of each batch, in any order, as they are done."""
        if self._pool is not None:
            for finished in as_completed(self._promised):
                yield finished.result()
            return
        with closing(UsageStore(self._path)) as store:
            yield from map(Loader(store, Pricer(self._book)).load, self._batches)

    def close(self) -> None:
        """Leave out what nobody has begun, and wait for the rest."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


_loaders: list[Loader] = []
"""The one loader of a process of the pool, which `_begin` makes there; empty elsewhere."""


def _begin(path: Path, book: PriceBook, turn: Lock) -> None:
    # Whoever stops the command stops the parent, which lets what runs here end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Nothing here makes cycles, and looking for some takes a tenth of the time.
    gc.disable()
    _loaders.append(Loader(UsageStore(path), Pricer(book), turn))


def _load(batch: list[Piece]) -> list[Outcome]:
    return _loaders[0].load(batch)


def _batches(work: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Join small pieces, so that a process is not asked for each of them."""
    batch: list[Piece] = []
    size = 0
    for piece in work:
        if batch and size + piece.end - piece.start > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(piece)
        size += piece.end - piece.start
    if batch:
        yield batch
