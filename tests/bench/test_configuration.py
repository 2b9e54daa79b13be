"""What the benchmark's configuration turns on."""

import os
from pathlib import Path

from bench.configuration import (
    CANDIDATES,
    HOLDS_PER_CALL,
    KEY,
    MODELS,
    Setup,
    headgate_toml,
)
from bench.launch import prepare
from headgate.budgets.tree import Spender, Tree
from headgate.config.load import load
from headgate.config.snapshot import Snapshot
from headgate.records.demand import STANDARD


def loaded(folder: Path) -> Snapshot:
    """Return the configuration as a node would load it."""
    config = folder / "headgate.toml"
    config.write_text(headgate_toml(Setup(9200, "http://127.0.0.1:9100")), encoding="utf-8")
    return load(config, os.environ)


def test_each_model_has_eight_candidates_that_forward_it_as_it_is(tmp_path: Path) -> None:
    """A model's alias has eight deployments, and each sends the same name upstream."""
    snapshot = loaded(tmp_path)

    for model in MODELS:
        chosen = [snapshot.deployments[name] for name in snapshot.routes[model].deployments]
        assert len(chosen) == CANDIDATES
        assert {deployment.model for deployment in chosen} == {model}


def test_the_candidates_of_a_model_differ_in_price(tmp_path: Path) -> None:
    """Routing has something to rank: no two candidates cost the same."""
    snapshot = loaded(tmp_path)
    at_ns = 1_800_000_000_000_000_000

    costs = set()
    for name in snapshot.routes["m"].deployments:
        deployment = snapshot.deployments[name]
        card = snapshot.price_book.rate_card(
            deployment.seller, deployment.priced_as, STANDARD, at_ns
        )
        assert card is not None
        costs.add(card.expected_nanos(1_000, 1_000))

    assert len(costs) == CANDIDATES


def test_a_call_is_held_on_four_budgets(tmp_path: Path) -> None:
    """The load names no run, and still every call makes four holds."""
    snapshot = loaded(tmp_path)

    held = Tree(snapshot.budgets.values()).above(Spender("generator", ("load",), "generator"))

    assert len(held) == HOLDS_PER_CALL == 4


def test_the_key_is_the_loads(tmp_path: Path) -> None:
    """The load's key, and no other, opens the gateway."""
    snapshot = loaded(tmp_path)

    assert [key.secret for key in snapshot.keys.values()] == [KEY]


def test_a_launch_begins_with_empty_books(tmp_path: Path) -> None:
    """What a run before left behind is gone, and the port is the one that was asked for."""
    left = tmp_path / "data-9217" / "headgate.db"
    left.parent.mkdir()
    left.write_text("old")

    config, data_dir = prepare(Setup(9217, "http://127.0.0.1:9100"), tmp_path)

    assert list(data_dir.iterdir()) == []
    assert load(config, os.environ).edge.port == 9217
