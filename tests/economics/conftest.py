"""Importing logs into a store of the test's own, and reading back what is kept."""

from collections.abc import Callable
from pathlib import Path

import pytest

from headgate.catalog.load import load_price_book
from headgate.catalog.prices import PriceBook
from headgate.economics.usage_logs.importing import Done, Import
from headgate.economics.usage_logs.load_files import survey
from headgate.economics.usage_logs.store import UsageStore, known_files
from headgate.economics.usage_logs.summary import Record, records


@pytest.fixture(scope="session")
def book() -> PriceBook:
    return load_price_book()


class Desk:
    """A store, and what can be done with it."""

    def __init__(self, path: Path, book: PriceBook) -> None:
        self.path = path
        self.book = book

    def take(self, *paths: Path, seat: str = "local", reprice: bool = False) -> Done:
        """Import files or folders."""
        found = survey(paths, known_files(self.path))
        return Import(self.path, self.book, seat, reprice).run(found, lambda _bytes: None)

    def records(self) -> list[Record]:
        """Return everything that is kept."""
        store = UsageStore(self.path, readonly=True)
        try:
            return list(records(store))
        finally:
            store.close()

    def outputs(self) -> list[int]:
        """Return the output tokens of each record, the smallest first."""
        return sorted(one.usage.output_tokens for one in self.records())


@pytest.fixture
def desk(tmp_path: Path, book: PriceBook) -> Desk:
    return Desk(tmp_path / "data" / "usage.db", book)


@pytest.fixture
def new_desk(tmp_path_factory: pytest.TempPathFactory, book: PriceBook) -> Callable[[], Desk]:
    """Make stores, each empty; for properties, which need one per example."""
    return lambda: Desk(tmp_path_factory.mktemp("desk") / "usage.db", book)
