"""What-if as it is asked: scenarios of a file beside each other, options, and what is refused."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from headgate.catalog.load import load_price_book
from headgate.cli.main import app
from headgate.economics.inputs import InputError
from headgate.economics.usage_logs.store import STORE_NAME
from headgate.economics.whatif.load_scenarios import load_scenarios
from tests.cli.test_whatif import PRICES
from tests.economics.conftest import Desk
from tests.economics.logs import claude, write_lines

FILE = """
baseline = "sonnet"

[scenarios.sonnet]
models = { "*" = "claude-sonnet-4-6" }

[scenarios.seats]
plans = { ann = "claude-max-5x" }

[scenarios.mixed]
plans = { ann = "claude-max-5x" }
policy = { kind = "ordered" }
among = ["claude-haiku-4-5", "claude-sonnet-4-6"]

[scenarios.early]
as_of = 2026-06-01
scale = { anthropic = "2" }
policy = "dear.toml"
among = ["claude-haiku-4-5", "claude-opus-4-8"]
only = ["ann"]
"""
DEAR = """
policy = "dear"

[policies.dear]
kind = "ab"
arms = { ordered = 1, cheapest = 1 }
"""


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the imported logs of two people, and a file of scenarios."""
    folder = tmp_path_factory.mktemp("logs")
    desk = Desk(folder / STORE_NAME, load_price_book())
    for seat, many in (("ann", 60), ("bob", 20)):
        lines = [
            claude(f"{seat}{n}", 100_000 + n, at=f"2026-06-11T00:{n:02}:00.000Z")
            for n in range(many)
        ]
        desk.take(write_lines(folder / f"{seat}.jsonl", lines), seat=seat)
    (folder / "scenarios.toml").write_text(FILE)
    (folder / "dear.toml").write_text(DEAR)
    return folder


def ask(folder: Path, *more: str | Path) -> Result:
    span = ("--since", "2026-06-01", "--until", "2026-07-01", "--by", "seat")
    place = ("--data-dir", folder, "--config", folder / "none.toml")
    words = ("whatif", "--imported", *span, *place, *more)
    return CliRunner().invoke(app, [str(word) for word in words])


def told(folder: Path, *more: str | Path) -> dict[str, Any]:
    result = ask(folder, *more, "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_scenarios_stand_beside_each_other(logs: Path) -> None:
    """Each against the same baseline, of the same calls, with tables and a chart of its own."""
    report = told(logs, "--scenarios", logs / "scenarios.toml")
    figures, tables = report["figures"], report["tables"]

    assert report["answer"][0].endswith(f"With sonnet they cost {figures['baseline_usd']} USD.")
    assert figures["sonnet.saving_usd"] == "0.00"
    assert tables[0]["title"] == "The scenarios"
    assert [row[0] for row in tables[0]["rows"]] == ["sonnet", "seats", "mixed", "early"]
    assert [chart["title"].partition(":")[0] for chart in report["charts"]] == [
        row[0] for row in tables[0]["rows"]
    ]
    for name in ("sonnet", "seats", "mixed", "early"):
        assert f"{name}: By class of task" in [table["title"] for table in tables]
    assert figures["early.models_usd"].startswith("-")


def test_a_seat_has_a_span_and_the_rest_is_routed(logs: Path) -> None:
    """What plans give was measured differently; bob's calls go where the policy sends them."""
    report = told(logs, "--scenarios", logs / "scenarios.toml")
    figures = report["figures"]
    titles = [table["title"] for table in report["tables"]]
    moves = report["tables"][titles.index("mixed: Who serves instead of whom, on the same tokens")]
    seat = report["tables"][titles.index("mixed: Who has a seat, at the prices of the book")]

    assert figures["seats.seats_usd"] == "100.00"
    least, most = (figures[f"seats.scenario_{end}_given_usd"] for end in ("least", "most"))
    assert float(least) >= float(figures["seats.scenario_usd"]) >= float(most)
    assert seat["rows"][0][:3] == ["ann", "claude-max-5x", "60"]
    assert moves["rows"][0][1:3] == ["anthropic/claude-haiku-4-5", "20"]


def test_options_ask_for_one_scenario(logs: Path, tmp_path: Path) -> None:
    """A seat for everybody, what it refuses, a policy, and a page with the steps."""
    seats = told(logs, "--plan", "claude-pro", "--beyond", "refused", "--promised", "60")
    cheap = told(
        logs, "--policy", "cheapest", "--among", "claude-opus-4-8", "--among", "claude-haiku-4-5"
    )
    page = ask(logs, "--plan", "ann=claude-pro", "--html", tmp_path / "page.html")

    assert int(seats["figures"]["refused"]) > 0
    assert "nobody serves them" in seats["answer"][2]
    assert "the seats cost" in seats["answer"][3]
    assert [row[1] for row in cheap["tables"][2]["rows"]] == ["anthropic/claude-haiku-4-5"]
    assert "routing by cheapest among" in cheap["answer"][0]
    assert page.exit_code == 0
    assert "carried" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--plan", "claude-max"], "There is no plan 'claude-max'."),
        (["--plan", "carol=claude-pro"], "no use of carol that claude-pro covers"),
        (["--plan", "claude-team-standard"], "Nobody has measured"),
        (["--policy", "cheepest"], "Did you mean 'cheapest'?"),
        (["--policy", "fastest", "--among", "gpt-5.5"], "goes by estimates, which imported logs"),
        (["--policy", "cheapest", "--among", "gpt-5.5"], "1 models to choose between"),
        (
            ["--policy", "cheapest", "--among", "gpt-9", "--among", "gpt-5.5"],
            "price for 'gpt-9'",
        ),
        (["--policy", "cheapest", "--model", "*=gpt-5.5"], "A policy chooses the models."),
        (["--among", "gpt-5.5"], "There is nothing to ask."),
        (["--scale", "openai=2", "--among", "gpt-5.5"], "Nobody chooses among models."),
        (["--scenarios", "none.toml"], "cannot be read"),
        (["--scenarios", "none.toml", "--plan", "claude-pro"], "says all of it"),
    ],
)
def test_what_cannot_be_answered_says_why(logs: Path, more: list[str], said: str) -> None:
    """Exit code 2, with what to write instead."""
    result = ask(logs, *more)

    assert result.exit_code == 2
    assert said in result.output
    assert "Fix:" in result.output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "required field `scenarios`"),
        ("[scenarios]", "has 0 scenarios"),
        ("[scenarios.a]", "nothing to ask in a"),
        ("[scenarios.a]\nplan = 'claude-pro'", "unknown field `plan`"),
        ("[scenarios.a]\nplans = { '*' = 'claude-pro' }\nbeyond = 'lost'", "Invalid enum value"),
        ("[scenarios.a]\npolicy = 'cheapest'\nmodels = { a = 'b' }", "chooses the models in a"),
    ],
)
def test_a_file_that_is_none_is_refused(tmp_path: Path, text: str, said: str) -> None:
    """With the key that is wrong, and the keys there are."""
    path = tmp_path / "scenarios.toml"
    path.write_text(text)

    with pytest.raises(InputError) as refused:
        load_scenarios(path)

    assert said in str(refused.value)
    assert refused.value.fix


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[scenarios.a]\npolicy = { kind = 'dearest' }\namong = ['gpt-5.5']", "kind of policy"),
        ("[scenarios.a]\npolicy = ''", "This key is missing"),
        ("baseline = 'b'\n[scenarios.a]\nscale = { openai = '2' }", "price for 'b'"),
    ],
)
def test_what_a_file_names_is_looked_up(logs: Path, tmp_path: Path, text: str, said: str) -> None:
    """A policy of a table is checked as the configuration's are; so is a baseline."""
    path = tmp_path / "scenarios.toml"
    path.write_text(text)

    result = ask(logs, "--scenarios", path)

    assert result.exit_code == 2
    assert said in result.output


def test_policies_of_the_configuration_have_their_names(headgate: Any, books: Path) -> None:
    """The same words as a route's; where no decision is kept, everything stays."""
    with (books / "headgate.toml").open("a") as config:
        config.write(PRICES)
        config.write("[policies.mine]\nkind = 'ab'\narms = { ordered = 1, cheapest = 1 }\n")
        config.write("[routes.more]\ndeployments = ['gpt']\npolicy = 'mine'\n")
    (books / "few.toml").write_text("calls_min = 1")
    since = ("--since", "2020-01-01", "--inputs", str(books / "few.toml"))

    shown = headgate("whatif", "--policy", "mine", *since, "--by", "principal", "--json")
    among = headgate("whatif", "--policy", "mine", *since, "--among", "gpt-5.5")
    again = headgate("replay", "--policy", "mine", "--from", "2020-01-01", "--json")
    backwards = headgate("replay", "--policy", "mine", "--from", "2020-02-01", "--to", "2020-01-01")

    assert shown.exit_code == 0, shown.output
    limits = json.loads(shown.stdout)["limits"]
    assert any(line.startswith("1 calls stay: their decision is of another") for line in limits)
    assert "The books know who might have served each call." in among.output
    assert again.exit_code == 0, again.output
    assert backwards.exit_code == 2
    assert "is no stretch of time" in backwards.output
