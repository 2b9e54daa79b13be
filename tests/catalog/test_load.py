"""The data files of the package are whole."""

import re
import tomllib
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from headgate.catalog.bands import BandError
from headgate.catalog.charges import Fee, Modifier
from headgate.catalog.facts import ModelDirectory
from headgate.catalog.fields import PriceRowError
from headgate.catalog.load import parse_band
from headgate.catalog.prices import PriceBook
from headgate.catalog.rows import parse_row


def test_the_book_has_its_sellers(book: PriceBook) -> None:
    """OpenAI, Anthropic, DeepSeek, Google and Mistral, in the order of their files."""
    assert list(dict.fromkeys(row.seller for row in book.rows)) == [
        "anthropic",
        "deepseek",
        "google",
        "mistral",
        "openai",
    ]


def test_modifiers_and_fees_name_models_that_exist(book: PriceBook) -> None:
    """A surcharge on a misspelt model would never be charged."""
    known = set(book.models())

    named: list[Modifier | Fee] = [*book.modifiers, *book.fees]
    for entry in named:
        assert {(entry.seller, model) for model in entry.models} <= known


def test_every_source_can_be_looked_up(book: PriceBook) -> None:
    """Each has a title, a day and an address."""
    for source in book.sources:
        assert source.title
        assert source.read_on
        assert source.address is not None
        assert source.address.startswith("https://")


def test_modes_are_known_ones(models: ModelDirectory) -> None:
    """Routing reads the mode; an unknown one would be a silent exclusion."""
    assert {facts.mode for facts in models.models} == {
        "chat",
        "responses",
        "embedding",
        "image",
        "moderation",
        "speech",
        "transcription",
    }


def test_a_band_is_read_from_its_table() -> None:
    """Zone, windows, days and the dates that are left out; every day when none is named."""
    table: dict[str, object] = {"zone": "UTC+08:00", "windows": ["09:00-12:00", "14:30-24:00"]}
    band = parse_band("acme", "peak", table | {"except_dates": [date(2026, 10, 1)]})

    assert band.windows == ((540, 720), (870, 1440))
    assert band.weekdays == (1, 2, 3, 4, 5, 6, 7)
    assert band.except_dates == {date(2026, 10, 1)}


@pytest.mark.parametrize(
    "change",
    [
        {"windows": "09:00-12:00"},
        {"windows": [9]},
        {"windows": []},
        {"weekdays": ["Monday"]},
        {"weekdays": [0]},
        {"except_dates": ["2026-10-01"]},
        {"except_dates": [datetime(2026, 10, 1, tzinfo=UTC)]},
        {"zone": "Nowhere"},
        {"hours": 3},
    ],
)
def test_a_broken_band_is_refused(change: dict[str, object]) -> None:
    """Nothing in a band is dropped in silence: a dropped holiday would change a price."""
    with pytest.raises((PriceRowError, BandError)):
        parse_band("acme", "peak", {"windows": ["09:00-12:00"]} | change)


def test_the_documented_formats_can_be_read() -> None:
    """The examples of the reference page are rows and bands that the book accepts."""
    page = Path(__file__).parents[2] / "docs" / "reference" / "prices.md"
    blocks = re.findall(r"```toml\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    document = tomllib.loads("\n".join(blocks))
    bands = {name: parse_band("acme", name, table) for name, table in document["bands"].items()}

    row = parse_row(document["row"][0], seller="openai", bands=bands)
    assert row.id == "openai/gpt-5.5/standard/2026-04-23/above-272000/peak"
