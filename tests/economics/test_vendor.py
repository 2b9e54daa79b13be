"""A vendor: the parts add up, debt counts once, and prices meet profit where they say."""

import json
from fractions import Fraction
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from headgate.cli.main import app
from headgate.economics.exact import rounded
from headgate.economics.inputs import InputError
from headgate.economics.load import load_data, load_inputs
from headgate.economics.vendor.model import (
    first_profitable_year,
    generations_of,
    layers_of,
    parts_of,
    quarters_of,
    runway_months,
    zero_profit_price,
)

F = Fraction
INPUTS = load_inputs("vendor")
OWN_DEBT = {"lease_bn": "0", "debt_bn": "36"}


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["vendor", *arguments])


def test_the_first_quarter_is_the_one_that_was_told() -> None:
    """Profit, ratio and other costs are those of the inputs; the parts of compute add up."""
    first, parts = quarters_of(INPUTS)[0], parts_of(INPUTS)

    assert first.profit == F("0.559")
    assert first.compute_ratio == F("0.56")
    assert first.other == F("4.237")
    known = (parts.api, parts.plans, parts.free, parts.training, parts.lease, parts.unexplained)
    assert sum(known) == F("6.104")


def test_in_every_quarter_the_parts_are_the_whole() -> None:
    """Revenue less compute, other costs and debt service is what is left."""
    for one in quarters_of(INPUTS.changed_by(OWN_DEBT)):
        paid = one.serving + one.training + one.lease + one.other + one.debt_service

        assert one.revenue - paid == one.cash


def test_a_debt_is_served_once() -> None:
    """A lease is inside compute, own debt below profit; both for the same machines is refused."""
    leased, owned = quarters_of(INPUTS)[0], quarters_of(INPUTS.changed_by(OWN_DEBT))[0]

    assert leased.debt_service == 0
    assert leased.interest_cover is None
    assert rounded(leased.service_cover or F(0), 4) == rounded(
        (F("0.559") + F("2.254")) / F("2.254"), 4
    )
    assert owned.lease == 0
    assert owned.interest == F(36) * F("0.08") / 4
    assert owned.debt_service == owned.interest + F(36, 20)
    assert owned.interest_cover == F("0.559") / F("0.72")
    with pytest.raises(InputError, match="paid twice"):
        quarters_of(INPUTS.changed_by({"debt_bn": "36"}))


def test_own_debt_ends_when_it_is_paid_back() -> None:
    """Twenty quarters of equal amortisation pay five years' debt, and no more."""
    quarters = quarters_of(INPUTS.changed_by(OWN_DEBT | {"quarters": "24"}))

    assert sum(one.debt_service - one.interest for one in quarters) == 36
    assert quarters[20].debt_service == 0


def test_parts_that_are_more_than_the_ratio_are_refused() -> None:
    """With what they are and what the ratio holds."""
    with pytest.raises(InputError, match="more than the") as caught:
        parts_of(INPUTS.changed_by({"api_cost": "0.9"}))

    assert "compute_ratio" in caught.value.fix


@pytest.mark.parametrize("elasticity", ["0", "0.5", "1", "1.4"])
def test_at_the_zero_profit_price_nothing_is_earned(elasticity: str) -> None:
    """Use answers the price and serving follows use; a little dearer, something is earned."""
    one = quarters_of(INPUTS)[0]
    price = zero_profit_price(one, F(elasticity))
    assert price is not None

    def profit(at: Fraction) -> float:
        use: float = float(at) ** -float(elasticity)
        fixed = float(one.training + one.lease + one.other)
        return float(one.revenue * at) * use - float(one.serving) * use - fixed

    assert profit(price) == pytest.approx(0, abs=1e-9)
    assert profit(price * F("1.01")) > 0 > profit(price * F("0.99"))


def test_without_elasticity_the_price_is_the_cost_share() -> None:
    """Use does not answer, so revenue may fall by exactly the profit."""
    one = quarters_of(INPUTS)[0]
    price = zero_profit_price(one, F(0))

    assert rounded(price or F(0), 6) == rounded(1 - F("0.559") / F("10.9"), 6)


def test_a_price_that_never_earns_is_none() -> None:
    """When customers run faster than a dearer price brings in, no price pays for the rest."""
    last = quarters_of(INPUTS.changed_by({"other_growth": "2"}))[-1]

    assert zero_profit_price(last, F(3)) is None


def test_cash_lasts_as_long_as_it_is_not_spent() -> None:
    """Runway ends in the month in which what was left is gone."""
    losing = INPUTS.changed_by({"usage_growth": "-0.5", "growth_kept": "1", "cash_bn": "10"})
    quarters = quarters_of(losing)
    months = runway_months(quarters, F(10))
    assert months is not None

    cash, number = F(10), months // 3
    for one in quarters[:number]:
        cash += one.cash
    assert cash >= 0 > cash + quarters[number].cash
    assert runway_months(quarters_of(INPUTS), INPUTS["cash_bn"]) is None
    assert first_profitable_year(quarters) is None


def test_equal_falls_of_price_and_cost_keep_the_margin_of_serving() -> None:
    """At a fifth of the price cost must be a fifth: the ratio of serving to revenue stays."""
    quarters = quarters_of(INPUTS.changed_by({"price_share": "1", "cost_share": "1"}))
    ratios = [one.serving / one.revenue for one in quarters]

    assert max(abs(ratio - ratios[0]) for ratio in ratios) < F(1, 10**30)
    assert rounded(quarters[6].price, 10) == "0.2000000000"


def test_generations_end_within_what_is_looked_at() -> None:
    """Each costs four times the last; one that does not end is not judged."""
    generations = generations_of(quarters_of(INPUTS), INPUTS)

    assert [one.cost for one in generations] == [F("1.8"), F("7.2"), F("28.8"), F("115.2")]
    assert len(generations_of(quarters_of(INPUTS)[:11], INPUTS)) == 3


def test_layers_are_what_the_margins_say() -> None:
    """Upstream keeps its part of compute, applications what they add less their costs."""
    one = quarters_of(INPUTS)[0]
    layers = layers_of(one, INPUTS)

    assert layers.upstream == one.compute / 2
    assert layers.model == one.profit
    assert layers.application == F("10.9") * F("0.6") * F("0.6") * F("0.1")


def test_each_scenario_is_told(tmp_path: Path) -> None:
    """The answer has a sentence for each; its inputs and the page are there, the same twice."""
    path = tmp_path / "vendor.html"
    found = json.loads(run("--json", "--html", str(path)).stdout)

    names = ["as given", *load_data("vendor")["scenarios"]]
    assert [line.partition(":")[0] for line in found["answer"]] == names
    assert found["figures"]["first_profit_bn"] == "0.559"
    assert found["seed"] == 1
    assert path.read_text().count("<svg") == 2
    assert run("--json").stdout == run("--json").stdout


def test_impossible_inputs_are_refused(tmp_path: Path) -> None:
    """A share above 1 ends the command with its range."""
    changes = tmp_path / "inputs.toml"
    changes.write_text('plan_share = "1.5"\n')

    result = run("--inputs", str(changes))

    assert result.exit_code == 2
    assert "0 to 1" in result.output
