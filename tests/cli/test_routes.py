"""`headgate routes` where no node runs: the configuration is told, health is not guessed."""

import json
from pathlib import Path
from typing import Any

TABLES = """
[routes.spread]
deployments = ["gpt", "europe"]
policy = "weighted"
weights = { gpt = 3 }
regions = ["*"]
[deployments.europe]
provider = "openai"
model = "gpt-5.4-mini"
region = "eu"
"""


def test_routes_are_listed_without_a_node(headgate: Any, books: Path) -> None:
    """Policy, weights and regions are told; nobody claims to know who is well."""
    config = books / "headgate.toml"
    config.write_text(config.read_text() + TABLES)

    shown = headgate("routes").stdout
    (view,) = [
        each
        for each in json.loads(headgate("routes", "--json").stdout)
        if each["alias"] == "spread"
    ]

    assert "spread: weighted, may move among *" in shown
    assert "No node runs here" in shown
    assert view["running"] is False
    told = [(each["deployment"], each["weight"], each["region"]) for each in view["candidates"]]
    assert told == [("gpt", 3, None), ("europe", 1, "eu")]
    assert all(each["rule"] is None for each in view["candidates"])
