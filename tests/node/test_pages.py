"""The console within the steward, over changes of the configuration."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from headgate.config.snapshot import ConsoleListen
from headgate.console.throttle import WRONG_MAX
from headgate.console.workbench import Workbench
from headgate.exports.scraping import Scrape
from headgate.node.pages import Pages
from tests.console.books import HOST, Books, make_snapshot

TOKEN = "a-token-of-some-length"
HERE = {"origin": f"http://{HOST}"}
SNAPSHOT = replace(make_snapshot(), console=ConsoleListen(token=TOKEN))


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    """Empty books."""
    books = Books(tmp_path)
    yield books
    books.close()


@pytest.fixture
def pages(books: Books) -> Pages:
    """A console on them."""
    return _pages(books)


def _pages(books: Books) -> Pages:
    scrape = Scrape(books.reading, books.data_dir / "journal")
    bench = Workbench(books.data_dir / "headgate.toml", books.data_dir)
    pages = Pages(books.reading, scrape, 8081, "http://127.0.0.1:8080", bench)
    pages.show(SNAPSHOT)
    return pages


def _client(pages: Pages) -> TestClient:
    return TestClient(pages, base_url=f"http://{HOST}", follow_redirects=False)


def _show(client: TestClient, token: str) -> int:
    return client.post("/login", data={"token": token}, headers=HERE).status_code


def test_who_is_signed_in_stays_so_over_a_reload(pages: Pages) -> None:
    """And who has signed out stays out, whoever has kept the cookie."""
    client, left, copy = _client(pages), _client(pages), _client(pages)
    _show(client, TOKEN)
    _show(left, TOKEN)
    copy.cookies.update(left.cookies)
    left.post("/logout", headers=HERE)

    pages.show(replace(SNAPSHOT, organisation="renamed"))

    assert client.get("/").status_code == 200
    assert copy.get("/").status_code == 401


def test_a_reload_forgives_no_wrong_token(pages: Pages) -> None:
    """Whoever guesses has to wait as before."""
    for number in range(WRONG_MAX):
        assert _show(_client(pages), f"wrong-{number}") == 401

    pages.show(replace(SNAPSHOT, organisation="renamed"))

    assert _show(_client(pages), TOKEN) == 429


def test_each_process_has_a_secret_of_its_own(books: Books, pages: Pages) -> None:
    """A cookie of another one, under the same token, opens nothing."""
    client, elsewhere = _client(pages), _client(_pages(books))
    _show(client, TOKEN)
    elsewhere.cookies.update(client.cookies)

    assert client.get("/").status_code == 200
    assert elsewhere.get("/").status_code == 401
