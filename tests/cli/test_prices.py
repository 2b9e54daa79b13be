"""`headgate prices`: what it prints, and how it says no."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from headgate.cli.prices import app
from headgate.cli.pricing.grown import book_with
from headgate.units.errors import ConfigurationError

RUNNER = CliRunner(env={"COLUMNS": "200"})


def run(*arguments: str) -> str:
    result = RUNNER.invoke(app, list(arguments))
    assert result.exit_code == 0, result.output
    return result.output


def run_json(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


def refused(*arguments: str) -> str:
    result = RUNNER.invoke(app, list(arguments))
    assert result.exit_code == 2
    return result.output


def test_show_lists_every_model_in_force() -> None:
    """Without a model: the standard rows of all models, at a date."""
    rows = run_json("show", "--at", "2026-11-20")["rows"]

    assert {row["tier"] for row in rows} == {"standard"}
    assert "openai/gpt-5.5/standard/2026-04-23" in {row["id"] for row in rows}
    assert "claude-opus-4-8" in run("show")


def test_show_tells_the_history_of_a_model() -> None:
    """Every row with its dates; a row ends where its successor starts."""
    rows = run_json("show", "deepseek/deepseek-v4-flash")["rows"]

    assert [(row["valid_from"], row["valid_to"], row["band"]) for row in rows[:3]] == [
        ("2026-04-24T00:00:00.000Z", "2026-04-26T12:15:00.000Z", None),
        ("2026-04-26T12:15:00.000Z", "2026-08-16T16:00:00.000Z", None),
        ("2026-08-16T16:00:00.000Z", "2026-08-22T16:00:00.000Z", None),
    ]
    assert rows[0]["usd_per_million"] == {
        "input_uncached": "0.14",
        "cache_read": "0.028",
        "output_text": "0.28",
        "output_reasoning": "0.28",
    }


def test_show_can_go_back_to_what_was_known() -> None:
    """As known in July the rise of Sonnet 5 was coming; a row seen only later has no start."""
    arguments = ("show", "anthropic/claude-sonnet-5", "--at", "2026-09-02")
    then = run_json(*arguments, "--known", "2026-07-15")["rows"][0]
    now = run_json(*arguments)["rows"][0]

    assert (then["usd_per_million"]["output_text"], now["usd_per_million"]["output_text"]) == (
        "15",
        "10",
    )
    assert "cancelled 2026-08-14" in run("show", "anthropic/claude-sonnet-5")


def test_explain_shows_quantity_times_price() -> None:
    """Every line names its row, its dates and where they were read."""
    arguments = (
        "explain",
        "openai/gpt-5.5-2026-04-23",
        "--usage",
        "input=1000,cache_read=5000,output=200,output_reasoning=7",
        "--at",
        "2026-11-20T10:00:00Z",
    )
    explained = run_json(*arguments)

    assert explained["amount_usd"] == "0.013710000"
    assert explained["model"] == "gpt-5.5"
    assert explained["lines"][1] | {"row": None} == {
        "meter": "cache_read",
        "quantity": 5000,
        "price_usd": "0.0000005",
        "amount_usd": "0.002500000",
        "price_row": "openai/gpt-5.5/standard/2026-04-23",
        "row": None,
    }
    text = run(*arguments)
    assert "0.013710000" in text
    assert "read in litellm, models-dev" in text


def test_explain_owns_up_to_an_unknown_start() -> None:
    """A row that was only seen is never shown as valid since ever."""
    arguments = ("explain", "anthropic/claude-opus-5-5", "--usage", "input=1,web_search=1")
    lines = run_json(*arguments)["lines"]

    assert lines[0]["row"]["valid_from"] is None
    assert lines[0]["row"]["observed_at"] == "2026-11-12T00:00:00.000Z"
    assert lines[1]["price_row"] == "anthropic/web-search"
    assert "its start is not known" in run(*arguments)


def test_explain_knows_tiers_and_regions() -> None:
    """Half price in batch, a tenth more in the US."""
    base = ("explain", "anthropic/claude-opus-4-8", "--usage", "input=1000000")

    assert run_json(*base)["amount_usd"] == "5.000000000"
    assert run_json(*base, "--tier", "batch")["amount_usd"] == "2.500000000"
    assert run_json(*base, "--region", "us")["amount_usd"] == "5.500000000"


def test_a_narrow_screen_cuts_nothing() -> None:
    """At 80 columns a row is one line with its whole id, and every meter is spelled out."""
    narrow = CliRunner(env={"COLUMNS": "80"})
    shown = narrow.invoke(app, ["show", "openai/gpt-5.4-mini"]).output.splitlines()
    usage = "input=1000,output=5"
    explained = narrow.invoke(app, ["explain", "openai/gpt-5.4-mini", "--usage", usage]).output

    row = next(line for line in shown if line.startswith("openai/gpt-5.4-mini/standard/"))
    assert row.split()[1:4] == ["0.75", "0.075", "4.5"]
    assert "input_uncached" in explained


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("openai/gpt-5.50", "--usage", "input=1"), "openai/gpt-5.5"),
        (("openai/qqqqqqqq", "--usage", "input=1"), "lists all"),
        (("gpt-5.5", "--usage", "input=1"), "SELLER/MODEL"),
        (("openai/gpt-5.5", "--usage", "tokens=1"), "input for input_uncached"),
        (("openai/gpt-5.5", "--usage", "input=-1"), "Meters"),
        (("openai/gpt-5.5", "--usage", "input=1,input_uncached=1"), "Meters"),
        (("openai/gpt-5.5", "--usage", "cache_write_5m=1"), "no price for cache_write_5m"),
        (("openai/gpt-5.5", "--usage", "input=1", "--tier", "fast"), "batch, flex"),
        (("openai/gpt-5.5", "--usage", "input=1", "--at", "2020-01-01"), "no price"),
        (("openai/gpt-5.5", "--usage", "input=1", "--at", "yesterday"), "not a date"),
        (("openai/gpt-5.5", "--usage", "input=1", "--at", "2026-11-20T10:00"), "no offset"),
    ],
)
def test_explain_says_what_to_write_instead(arguments: tuple[str, ...], hint: str) -> None:
    """Unpriced and unreadable questions are refused with a way out."""
    assert hint in refused("explain", *arguments)


def test_check_finds_no_errors_in_the_built_in_book() -> None:
    """It counts errors and warnings, and exits with 0 while there are only warnings."""
    assert run_json("check")["errors"] == 0
    assert run("check").splitlines()[-1] == "0 errors, 19 warnings"


def test_a_day_is_shown_as_it_was_known_on_another() -> None:
    """The cancelled rise of September is in the list of July's knowledge alone."""
    row = "anthropic/claude-sonnet-5/standard/2026-09-01"
    arguments = ("as-of", "2026-09-02", "--seller", "anthropic")

    then, now = (
        {each["id"] for each in run_json(*arguments, *more)["rows"]}
        for more in (("--known-on", "2026-07-15"), ())
    )

    assert row in then
    assert row not in now


OWN = """
[providers.mine]
kind = "openai_compatible"
base_url = "https://api.example/v1"
seller = "mine"
[deployments.d]
provider = "mine"
model = "m"
[[prices]]
provider = "mine"
model = "m"
valid_from = 2026-01-01
currency = "EUR"
per_million_tokens = { input = "2", output = "6" }
[[exchange_rates]]
currency = "EUR"
usd = "1.0842"
valid_from = 2026-01-01
[[fees]]
provider = "mine"
id = "container"
meter = "container_session"
usd_per_unit = "0.03"
valid_from = 2026-01-01
[surcharges.topup]
provider = "mine"
percent = "5.5"
valid_from = 2026-01-01
[contracts.everybody]
provider = "mine"
valid_from = 2026-01-01
per_million_tokens = { input = "1", output = "1" }
nodes = ["team:default"]
[commitments.year]
provider = "mine"
amount_usd = "1200"
valid_from = 2025-01-01
valid_to = 2027-01-01
period = "year"
[capacities.ptu]
deployments = ["d"]
usd_per_hour = "2"
valid_from = 2026-11-01
tiers = ["provisioned"]
"""


def test_prices_of_ones_own_are_explained(tmp_path: Path) -> None:
    """In dollars and the seller's currency, with what is sold by the piece, and the surcharge."""
    config = tmp_path / "headgate.toml"
    config.write_text(OWN)
    usage = ("--usage", "input=1000,container_session=2", "--config", str(config))

    told = run_json("explain", "mine/m", *usage, "--at", "2026-11-20")

    assert [line["amount_usd"] for line in told["lines"]] == [
        "0.002168400",
        "0.060000000",
        "0.003419262",
    ]
    assert (told["lines"][0]["currency"], told["lines"][0]["amount"]) == ("EUR", "0.002000000")
    assert told["amount_usd"] == "0.065587662"

    own = run_json("explain", "mine/m", *usage, "--node", "team:default")["lines"][0]
    assert (own["price_row"], own["amount_usd"]) == ("contract/everybody", "0.001000000")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (b'[listen]\ngateway = "127.0.0.1:0"\n', "line 1, column 8"),
        (b"# caf\xe9\n", "Byte 5 is not UTF-8"),
        (b"a = " + b"[" * 3_000 + b"]" * 3_000, "nest too deeply"),
    ],
    ids=["table", "encoding", "nesting"],
)
def test_what_is_wrong_in_a_file_of_prices_is_told_of_that_file(
    tmp_path: Path, text: bytes, place: str
) -> None:
    """By its own lines, although it is read behind the configuration."""
    own, file = tmp_path / "headgate.toml", tmp_path / "more.toml"
    own.touch(mode=0o600)
    own.write_text('\n\n[listen]\ngateway = "127.0.0.1:0"\n')
    file.write_bytes(text)

    with pytest.raises(ConfigurationError, match=re.escape(place)) as caught:
        book_with(file, own)

    assert {one.file for one in caught.value.problems} == {str(file)}


def test_what_was_promised_and_not_spent_is_owed(tmp_path: Path) -> None:
    """A period that is over owes what is missing, one that runs has it left."""
    config = tmp_path / "headgate.toml"
    config.write_text(OWN)

    told = run_json("commitments", "--config", str(config), "--at", "2026-11-02")

    assert [(each["left"], each["shortfall"]) for each in told["commitments"]] == [
        ("0.000000000", "1200.000000000"),
        ("1200.000000000", "0.000000000"),
    ]
    assert told["capacities"] == [{"id": "ptu", "cost": "48.000000000", "teams": []}]


@pytest.mark.parametrize(
    "asked", [("as-of", "2026-09-02", "--seller", "opneai"), ("impact", "--scale", "opneai=1.2")]
)
def test_a_seller_that_the_book_has_not_is_no_empty_answer(
    asked: tuple[str, ...], tmp_path: Path
) -> None:
    """A slip of the pen is told, with the name that was meant."""
    config = tmp_path / "headgate.toml"
    config.write_text("")

    assert "Did you mean 'openai'?" in refused(*asked, "--config", str(config))
