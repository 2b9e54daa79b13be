"""Books for each test, with the candidates and the clock that go with them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from headgate.records.journal import CandidateRecord
from tests.console.books import CANDIDATES, NOW_NS, Books


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
