"""The built-in price book and model directory, read once."""

import pytest

from headgate.catalog.facts import ModelDirectory
from headgate.catalog.load import load_models, load_price_book
from headgate.catalog.prices import PriceBook


@pytest.fixture(scope="session")
def book() -> PriceBook:
    return load_price_book()


@pytest.fixture(scope="session")
def models() -> ModelDirectory:
    return load_models()
