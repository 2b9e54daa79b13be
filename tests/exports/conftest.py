"""Books that many tests only read."""

from collections.abc import Iterator

import pytest

from tests.cli.conftest import headgate
from tests.console.books import Books
from tests.exports.planted import plant

__all__ = ["headgate"]


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """Two days of calls; see `planted.plant`. Nobody may change them."""
    books = plant(tmp_path_factory.mktemp("planted"))
    yield books
    books.close()
