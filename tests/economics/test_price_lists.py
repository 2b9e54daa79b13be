"""Price lists of others: what is read in them, what is found wrong, what becomes of it.

The lists in `samples/prices` are made up in the formats of their projects, with mistakes in them.
"""

import json
import tomllib
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from headgate.catalog.load import load_models, load_price_book
from headgate.cli.prices import app
from headgate.config.load import load
from headgate.economics.prices.comparing import Difference, compare
from headgate.economics.prices.formats import formats
from headgate.economics.prices.listed import Listed
from headgate.economics.prices.load_lists import PriceListError, load_list
from headgate.units.errors import ConfigurationError

SAMPLES = Path(__file__).parent / "samples" / "prices"
DAY = date(2026, 11, 21)
CONFIG = '[providers.mine]\nkind = "openai"\nbase_url = "https://api.openai.com/v1"\n'


def listed(*names: str) -> list[Listed]:
    return [price for name in names for price in load_list(SAMPLES / f"{name}.json")]


@cache
def compared(*names: str) -> tuple[Difference, ...]:
    """Return what some lists say beside the built-in book."""
    return compare(load_price_book(), load_models(), listed(*names), DAY)


def differences(*names: str) -> dict[tuple[str, str, str, int], Difference]:
    """Return the differences by source, model, tier and threshold."""
    return {(each.listed.source, *each.listed.key[1:]): each for each in compared(*names)}


def rules(difference: Difference) -> set[str]:
    return {finding.rule for finding in difference.findings}


@pytest.mark.parametrize("name", ["litellm", "models_dev", "genai_prices"])
def test_what_a_list_and_the_book_agree_on_is_the_same(name: str) -> None:
    """Tier, length of prompt and unit are read as they are meant."""
    found = compared(name)
    same = {each.listed.key[1:] for each in found if each.status == "same"}

    assert (
        same
        == {
            "litellm": {
                ("gpt-5.5", "standard", 0),
                ("gpt-5.5", "standard", 272_000),
                ("gpt-5.5", "priority", 0),
                ("deepseek-v4-pro", "standard", 0),
                ("gemini-2.5-pro", "standard", 0),
                ("gemini-2.5-pro", "standard", 200_000),
            },
            "models_dev": {
                ("gpt-5.5", "standard", 272_000),
                ("gemini-2.5-pro", "standard", 0),
                ("gemini-2.5-pro", "standard", 200_000),
            },
            "genai_prices": {
                ("gpt-5.6-luna", "standard", 0),
                ("gpt-5.5", "standard", 0),
                ("gpt-5.5", "standard", 272_000),
                ("deepseek-v4-pro", "standard", 0),
            },
        }[name]
    )


@pytest.mark.parametrize(
    ("model", "tier", "expected", "doubtful"),
    [
        ("gpt-5.4", "batch", {"cache_rounded", "rounded"}, False),
        ("gpt-5.4-mini", "standard", {"unit", "jump"}, True),
        ("gpt-5.6-sol", "standard", {"zero_price"}, True),
        ("gpt-made-up", "standard", {"unusable"}, True),
        ("claude-sonnet-5", "standard", {"cache_order", "cache_ratio", "jump"}, True),
        ("deepseek-v4-pro", "standard", {"flat"}, False),
    ],
)
def test_each_kind_of_mistake_is_named(
    model: str, tier: str, expected: set[str], doubtful: bool
) -> None:
    """A wrong unit, a free paid model, a rounded or swapped cache price, a lost time of day."""
    found = differences("litellm")["litellm", model, tier, 0]

    assert rules(found) == expected
    assert found.is_doubtful is doubtful


def test_lists_that_disagree_are_told() -> None:
    """Each with the other's price, from more than one percent on."""
    found = differences("litellm", "models_dev")

    for source in ("litellm", "models.dev"):
        assert "sources_disagree" in rules(found[source, "gpt-5.5", "standard", 0])
    assert rules(found["models.dev", "gpt-5.5", "standard", 272_000]) == set()


def test_an_announced_price_is_no_change_yet() -> None:
    """It keeps the day the list gives."""
    found = compared("genai_prices")
    (later,) = (each for each in found if each.status == "announced")

    assert later.row is not None
    assert later.row.id == "configuration/openai/gpt-5.6-luna/standard/2027-01-01"


def test_what_is_accepted_is_written_as_rows_of_a_configuration(tmp_path: Path) -> None:
    """Named ones even where doubted, `all` without those; the file is never written over."""
    config, rows = tmp_path / "headgate.toml", tmp_path / "rows.toml"
    config.write_text(CONFIG)
    arguments = ["diff", str(SAMPLES / "models_dev.json"), "--on", str(DAY), "--write", str(rows)]
    arguments += ["--accept", "all", "--config", str(config)]

    first = CliRunner().invoke(app, arguments)
    again = CliRunner().invoke(app, arguments)

    assert first.exit_code == 0, first.output
    assert (again.exit_code, "is there already" in again.stderr) == (2, True)
    document = tomllib.loads(rows.read_text())
    assert [(row["provider"], row["model"]) for row in document["prices"]] == [
        ("mine", "gpt-5.5"),
        ("mine", "gpt-5.4"),
    ]
    config.write_text(CONFIG + rows.read_text())
    assert load(config, {}).price_book.entry("configuration/openai/gpt-5.4/standard/2026-11-21")


def test_doubtful_rows_are_taken_by_name_alone() -> None:
    """`all` leaves out what an error was found in."""

    def accepted(name: str) -> list[str]:
        arguments = ["diff", str(SAMPLES / "litellm.json"), "--on", str(DAY), "--json"]
        shown = CliRunner().invoke(app, [*arguments, "--accept", name])
        assert shown.exit_code == 0, shown.output
        return [row.split("/")[2] for row in json.loads(shown.stdout)["accepted"]]

    assert accepted("all") == ["gpt-5.4"]
    assert accepted("openai/gpt-5.6-sol") == ["gpt-5.6-sol"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"a": 1}', "[1e999999]", "[" * 100_000])
def test_what_is_no_price_list_is_refused(tmp_path: Path, text: str) -> None:
    """By name, whatever it is."""
    path = tmp_path / "list.json"
    path.write_text(text)

    with pytest.raises(PriceListError, match=r"list\.json"):
        list(load_list(path))


@pytest.mark.parametrize(
    "document",
    [
        {"m": {"litellm_provider": 7, "mode": "chat", "input_cost_per_token": True}},
        {"p": {"models": {"m": {"cost": {"input": "1", "tiers": [None, {"tier": 3}]}}, "n": 0}}},
        [{"id": 1, "models": [None, {"prices": [{"constraint": 3, "prices": []}, 4]}]}],
    ],
)
def test_a_broken_entry_hides_no_other(document: Any) -> None:
    """What is not of the form is left out; nothing in a foreign file ends the reading."""
    (form,) = (each for each in formats().values() if each.recognises(document))

    assert list(form.read(document)) == []


BAD_ROWS = {
    "overlap": [
        {"valid_from": "2026-01-01", "valid_to": "2026-09-01"},
        {"valid_from": "2026-06-01"},
    ],
    "gap": [{"valid_from": "2026-01-01", "valid_to": "2026-03-01"}, {"valid_from": "2026-06-01"}],
    "zero_of_paid": [{"input": "0"}],
    "cache_rounded": [{"input": "1.25", "cache_read": "0.13"}],
    "unit": [{"input": "5000", "output": "30000"}],
}


@pytest.mark.parametrize("rule", BAD_ROWS)
def test_a_bad_file_is_refused_with_each_row_named(tmp_path: Path, rule: str) -> None:
    """Overlaps and other units even in a configuration itself; the rest when a file is checked."""
    config, file = tmp_path / "headgate.toml", tmp_path / "rows.toml"
    config.write_text(CONFIG)
    tables = []
    for row in BAD_ROWS[rule]:
        usual: dict[str, str] = {"input": "5", "output": "30"} | row
        prices = ", ".join(
            f'{key} = "{usual[key]}"' for key in ("input", "output", "cache_read") if key in usual
        )
        dates = [f"{key} = {row[key]}" for key in ("valid_from", "valid_to") if key in row]
        tables += ["[[prices]]", 'provider = "mine"', 'model = "gpt-5.5"', 'source = "https://x.y"']
        tables += [*(dates or ["valid_from = 2026-11-01"]), f"per_million_tokens = {{ {prices} }}"]
    file.write_text("\n".join(tables))

    shown = CliRunner().invoke(app, ["check", str(file), "--config", str(config)])

    told = f"{shown.output}{shown.exception}"
    stops = rule in ("overlap", "unit")
    assert isinstance(shown.exception, ConfigurationError if stops else SystemExit), told
    assert "configuration/openai/gpt-5.5/standard/2026-" in told
    assert stops or f"error: {rule}: " in told


def test_what_is_wrong_in_a_file_is_told_by_its_own_lines(tmp_path: Path) -> None:
    """Not by those of the configuration that it is read behind; one that is not there is named."""
    config, file = tmp_path / "headgate.toml", tmp_path / "rows.toml"
    config.write_text(CONFIG)
    row = ["[[prices]]", 'provider = "mine"', 'model = "gpt-5.5"', "valid_from = 2026-11-01"]
    file.write_text("\n".join([*row, 'per_million_tokens = { input = "-1" }']))

    def told(file: Path, config: Path = config) -> str:
        shown = CliRunner().invoke(app, ["check", str(file), "--config", str(config)])
        assert isinstance(shown.exception, ConfigurationError)
        return str(shown.exception)

    assert f"{file}:5: prices[1].per_million_tokens" in told(file)
    assert f"{tmp_path / 'none'}: file: It cannot be read" in told(tmp_path / "none")
    assert f"{tmp_path / 'none'}: file: It cannot be read" in told(file, tmp_path / "none")
    file.write_text("[[prices]]\nprovider = nothing")
    assert told(file).startswith(f"{file}: line 2")


def test_nothing_for_one_of_input_and_output_is_refused(tmp_path: Path) -> None:
    """Of a model that no list has: that the other is paid for says that it is no gift."""
    config, file = tmp_path / "headgate.toml", tmp_path / "rows.toml"
    config.write_text(CONFIG)
    row = ["[[prices]]", 'provider = "mine"', 'model = "new"', "valid_from = 2026-11-01"]
    file.write_text("\n".join([*row, 'per_million_tokens = { input = "0", output = "5" }']))

    shown = CliRunner().invoke(app, ["check", str(file), "--config", str(config)])

    assert shown.exit_code == 1
    assert "error: zero_of_paid: configuration/openai/new/standard/2026-11-01" in shown.output
