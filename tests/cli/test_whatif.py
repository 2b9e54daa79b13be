"""What-if on the books: with the configuration's prices, by tag, and under a contract of a team."""

import json
from pathlib import Path
from typing import Any

PRICES = """
[[prices]]
provider = "openai"
model = "gpt-5.5"
valid_from = 2025-01-01
recorded_at = 2025-01-01
per_million_tokens = { input = "5", output = "30" }
"""
CONTRACT = """
[contracts.ours]
provider = "openai"
discount_percent = "20"
valid_from = 2026-11-01
recorded_at = 2026-11-01
nodes = ["team:research"]
"""


def test_a_contract_of_one_team_counts_for_its_calls(headgate: Any, books: Path) -> None:
    """Whatever its dates, and though the books know no contract; calls without the tag are one."""
    with (books / "headgate.toml").open("a") as config:
        config.write(PRICES)
    (books / "contract.toml").write_text(CONTRACT)
    (books / "few.toml").write_text("calls_min = 1")
    change = (str(books / "contract.toml"), "--inputs", str(books / "few.toml"))

    told = headgate("whatif", *change, "--since", "2020-01-01", "--by", "tag:task", "--json")

    assert told.exit_code == 0, told.output
    report = json.loads(told.stdout)
    assert report["figures"]["posted_usd"] == "0.01"
    assert report["figures"]["saving_percent"] == "20.0"
    assert [row[:2] for row in report["tables"][1]["rows"]] == [["(none)", "1"]]


def test_the_books_have_no_sides(headgate: Any, books: Path) -> None:
    """The refusal says what there is."""
    told = headgate("whatif", "--scale", "openai=2", "--by", "side", "--since", "2020-01-01")

    assert told.exit_code == 2
    assert "team, principal, model, tag:NAME" in told.output
