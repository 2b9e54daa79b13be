"""Books for each test, with the candidates and the clock that go with them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from headgate.records.journal import CandidateRecord
from tests.console.books import CANDIDATES, NOW_NS, Books
from tests.console.browsing import ARGUMENTS, CHROMIUM


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    """Empty books."""
    made = Books(tmp_path)
    yield made
    made.close()


@pytest.fixture
def candidates() -> tuple[CandidateRecord, ...]:
    """Three candidates: the cheapest, a dear one, and one that cannot take the prompt."""
    return CANDIDATES


@pytest.fixture
def now_ns() -> int:
    """The instant the console's clock shows."""
    return NOW_NS


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests of a file."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield launched
        launched.close()
