"""Reads the data files of the package into the built-in price book and model directory."""

import tomllib
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from headgate.catalog.aliases import DatedAlias, read_alias
from headgate.catalog.bands import Band, parse_window
from headgate.catalog.charges import Fee, Modifier, read_fee, read_modifier
from headgate.catalog.facts import ModelDirectory, ModelFacts
from headgate.catalog.fields import PriceRowError
from headgate.catalog.prices import PriceBook, Source
from headgate.catalog.rows import PriceRow, parse_row

Item = TypeVar("Item")

DATA = Path(__file__).parent / "data"
"""The package's own data files."""


@cache
def load_price_book() -> PriceBook:
    """Return the built-in price book; its files are read once.

    Raises:
        PriceRowError: A data file of the package is broken.
        BandError: The same, in a band.
    """
    rows: list[PriceRow] = []
    modifiers: list[Modifier] = []
    fees: list[Fee] = []
    bands: list[Band] = []
    dated: list[DatedAlias] = []
    sources: dict[str, Source] = {}
    for document in _documents("prices"):
        seller = str(document["seller"])
        own_bands = {
            name: parse_band(seller, name, table)
            for name, table in document.get("bands", {}).items()
        }
        bands += own_bands.values()
        rows += [parse_row(table, seller=seller, bands=own_bands) for table in document["row"]]
        modifiers += [read_modifier(table, seller) for table in document.get("modifier", [])]
        fees += [read_fee(table, seller) for table in document.get("fee", [])]
        dated += [read_alias(table, seller) for table in document.get("alias", [])]
        for name, table in document["sources"].items():
            sources[name] = Source(name, table["title"], table.get("address"), table["read_on"])
    return PriceBook(
        rows=tuple(rows),
        modifiers=tuple(modifiers),
        fees=tuple(fees),
        bands=tuple(bands),
        sources=tuple(sources.values()),
        aliases=load_models().aliases(),
        dated_aliases=tuple(dated),
    )


@cache
def load_models() -> ModelDirectory:
    """Return the built-in model directory; its files are read once."""
    models: list[ModelFacts] = []
    for document in _documents("models"):
        seller, limit_field = document["seller"], document["output_limit_field"]
        models += [_facts(seller, limit_field, table) for table in document["model"]]
    return ModelDirectory(tuple(models))


def parse_band(seller: str, name: str, table: Mapping[str, object]) -> Band:
    """Return the band of a `[bands.NAME]` table.

    Raises:
        PriceRowError: A key is unknown or has an unusable type.
        BandError: The zone, a window or a weekday makes no sense.
    """
    unknown = set(table) - {"zone", "windows", "weekdays", "except_dates", "sources"}
    if unknown:
        raise PriceRowError(f"bands.{name}: {', '.join(sorted(unknown))}: no such key")
    return Band(
        seller=seller,
        name=name,
        zone=str(table.get("zone", "UTC")),
        windows=tuple(parse_window(text) for text in _list(name, table, "windows", str)),
        weekdays=tuple(_list(name, table, "weekdays", int)) or (1, 2, 3, 4, 5, 6, 7),
        except_dates=frozenset(_list(name, table, "except_dates", date)),
    )


def _list(name: str, table: Mapping[str, object], key: str, kind: type[Item]) -> list[Item]:
    """Return a list of exactly this type (a date-time is no date); empty when absent."""
    value = table.get(key, [])
    if not isinstance(value, list):
        raise PriceRowError(f"bands.{name}.{key}: a list is needed")
    items = [item for item in value if type(item) is kind]
    if len(items) != len(value):
        raise PriceRowError(f"bands.{name}.{key}: each item must be a {kind.__name__}")
    return items


def _documents(folder: str) -> list[dict[str, Any]]:
    """Return the TOML documents of a data folder by file name."""
    files = sorted((DATA / folder).glob("*.toml"))
    return [tomllib.loads(file.read_text("utf-8"), parse_float=Decimal) for file in files]


def _facts(seller: str, limit_field: str, table: Mapping[str, Any]) -> ModelFacts:
    return ModelFacts(
        seller=seller,
        name=table["name"],
        mode=table["mode"],
        context_tokens=table.get("context_tokens"),
        output_tokens_max=table.get("output_tokens_max"),
        capabilities=frozenset(table["capabilities"]),
        output_limit_field=table.get("output_limit_field", limit_field),
        aliases=tuple(table.get("aliases", [])),
        cache_tokens_min=table.get("cache_tokens_min"),
        cache_anywhere=table.get("cache_anywhere", False),
        released_on=table.get("released_on"),
        retired_on=table.get("retired_on"),
        tokenizer=table.get("tokenizer"),
    )
