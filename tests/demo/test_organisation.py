"""The demonstration's configuration is one the loader takes, with prices that need no rounding."""

from pathlib import Path

from headgate.cli.demonstration.organisation import KEYS, Places, configuration, make_keys
from headgate.config.load import load
from headgate.units.money import FEMTO_PER_NANO, NANOS_PER_USD

PLACES = Places("127.0.0.1:0", "127.0.0.1:0", "http://127.0.0.1:1/v1", "http://127.0.0.1:2")
USD_PER_HOUR_MAX = {
    "organisation": 80,
    "team:support": 5,
    "team:engineering": 75,
    "team:research": 2,
    "team:visitors": 0,
    "principal:nightly": 1,
}
"""What the traffic spends below each node, rounded up generously."""
MEANT_TO_RUN_OUT = {"sam-trial", "builder-today", "each-run"}


def test_the_configuration_loads_with_a_secret_for_every_key(tmp_path: Path) -> None:
    """Each key stands in the file with its own secret, on four levels of budgets."""
    path = tmp_path / "headgate.toml"
    keys = make_keys()
    path.write_text(configuration(PLACES, keys), "utf-8")

    snapshot = load(path, {})

    assert {key.id: key.secret for key in snapshot.keys.values()} == keys
    assert set(keys) == set(KEYS)
    levels = {budget.node.partition(":")[0] for budget in snapshot.budgets.values()}
    assert levels == {"organisation", "team", "principal", "run"}


def test_a_token_of_each_model_costs_whole_nano_dollars(tmp_path: Path) -> None:
    """So that books and bill are equal to the last digit, without any rounding."""
    path = tmp_path / "headgate.toml"
    path.write_text(configuration(PLACES, make_keys()), "utf-8")
    snapshot = load(path, {})

    for deployment in snapshot.deployments.values():
        rows = snapshot.price_book.rows_of(deployment.seller, deployment.priced_as)
        standard = [row for row in rows if row.tier == "standard"]
        assert standard, deployment.id
        for row in standard:
            assert all(not (price or 0) % FEMTO_PER_NANO for price in row.prices_femto), row.id


def test_budgets_outlast_a_day_of_traffic(tmp_path: Path) -> None:
    """All but those that are there to be seen filling: one within seconds, one in some hours."""
    path = tmp_path / "headgate.toml"
    path.write_text(configuration(PLACES, make_keys()), "utf-8")
    budgets = load(path, {}).budgets

    for budget in budgets.values():
        if budget.id not in MEANT_TO_RUN_OUT:
            day_usd = 24 * USD_PER_HOUR_MAX[budget.node]
            assert budget.limit_nanos >= day_usd * NANOS_PER_USD, budget.id
    assert budgets["sam-trial"].limit_nanos == NANOS_PER_USD // 20
    assert budgets["builder-today"].limit_nanos == 90 * NANOS_PER_USD
