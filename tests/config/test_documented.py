"""The schema file and the reference page know exactly the keys the loader knows."""

import re
from pathlib import Path

import pytest

from headgate.config.schema import render, schema
from headgate.config.shape import Shape
from headgate.config.shapes import TABLES, FileShape
from headgate.config.shapes_providers import IssuerShape

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
SCHEMA = REFERENCE / "config.schema.json"
PAGE = REFERENCE / "configuration.md"


def test_the_schema_file_is_current() -> None:
    """Change it with: python -m headgate.config.schema > docs/reference/config.schema.json."""
    assert SCHEMA.read_text() == render() + "\n"


def test_loader_and_schema_know_the_same_keys() -> None:
    """Each table of the loader is in the schema with the same keys, the required ones too."""
    definitions = schema()["$defs"]

    assert {*definitions["FileShape"]["properties"]} == {*TABLES}
    assert {*FileShape.__struct_fields__} == {*TABLES}
    for _, shape in TABLES.values():
        definition = definitions[shape.__name__]
        assert {*definition["properties"]} == {*shape.__struct_fields__}, shape
        assert definition["additionalProperties"] is False


def section_of(table: str) -> str:
    """Return what the page says of a table: from its heading to the next."""
    found = re.search(rf"^## `\[+{table}[.\]].*?(?=^## |\Z)", PAGE.read_text(), re.M | re.S)
    assert found is not None, f"{PAGE} has no heading for [{table}]"
    return found[0]


def test_every_key_of_an_issuer_is_documented() -> None:
    """The table within a provider's has rows of its own."""
    section = PAGE.read_text().partition("## `[providers.ID.issuer]`")[2].partition("\n## ")[0]

    rows = re.findall(r"^\| `(\w+)` \|", section.partition("| kind | for")[0], re.M)

    assert sorted(rows) == sorted(IssuerShape.__struct_fields__)


@pytest.mark.parametrize("table", TABLES)
def test_every_key_is_documented(table: str) -> None:
    """The page has a row for each key of a table, and for no other."""
    shape: type[Shape] = TABLES[table][1]

    rows = re.findall(r"^\| `(\w+)` \|", section_of(table), re.M)

    assert sorted(rows) == sorted(shape.__struct_fields__)
