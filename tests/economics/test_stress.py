"""The stress test: its laws, its closed forms, its signs, and the same bits for the same seed."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from headgate.cli.main import app
from headgate.economics.inputs import InputError, Inputs
from headgate.economics.load import load_data, load_inputs
from headgate.economics.stress.architectures import (
    HYBRID,
    LOCKED,
    NAMES,
    PROTECTED,
    ROUTABLE,
    architecture,
    outcome,
)
from headgate.economics.stress.closed import mean_cost_usd
from headgate.economics.stress.draws import draw
from headgate.economics.stress.simulate import (
    DECAY_SHARES,
    crossover,
    harms,
    regret_surface,
    routable_shares,
    simulate,
    standard_error,
    worst_mean,
)
from headgate.economics.stress.terms import terms_of
from headgate.economics.stress.world import world_of

INPUTS = load_inputs("stress")
QUIET = dict.fromkeys(
    ("ration_begin", "outage", "retired", "vendor_event", "cache_gone", "correlation"), "0"
)
STILL = QUIET | dict.fromkeys(
    ("reprice_up", "reprice_down", "demand_noise", "demand_growth", "market_noise"), "0"
)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["stress", *arguments])


def report(*arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def mean_of(inputs: Inputs, name: str) -> float:
    """Return the simulated mean over many paths, drawn in parts to keep memory small."""
    terms = terms_of(inputs)
    parts = []
    for seed in range(12):
        world = world_of(draw(seed, 10_000, 24), terms)
        parts.append(outcome(architecture(name, terms), world, terms).cost_usd.mean())
    return float(np.mean(parts))


@pytest.mark.parametrize("name", NAMES)
def test_closed_forms_agree_with_the_simulation(name: str) -> None:
    """Within half a percent, with every shock on, where shocks are independent."""
    inputs = INPUTS.changed_by({"correlation": "0", "commitment": "0", "vendor_event": "0.2"})
    terms = terms_of(inputs)

    expected = mean_cost_usd(architecture(name, terms), terms, 24)

    assert mean_of(inputs, name) == pytest.approx(expected, rel=0.005)


def test_without_shocks_a_price_is_a_price() -> None:
    """A protected contract costs list less discount, routing the market and its overhead."""
    inputs = INPUTS.changed_by(STILL | {"decay_share": "0"})
    found = simulate(inputs, 1, 100, 10).outcomes

    assert found[PROTECTED].cost_usd == pytest.approx(np.full(100, 80_000))
    assert found[LOCKED].cost_usd == pytest.approx(np.full(100, 80_000))
    assert found[ROUTABLE].cost_usd == pytest.approx(np.full(100, 35_000 + 65_000 * 1.08))
    assert found[HYBRID].cost_usd == pytest.approx(np.full(100, 35_000 * 0.8 + 65_000 * 1.08))


def test_a_fivefold_fall_costs_the_mean_price() -> None:
    """All of it routed without overhead: the sum of the prices of the months."""
    still = STILL | {"decay_share": "1", "routable": "1", "overhead": "0"}
    found = simulate(INPUTS.changed_by(still), 1, 10, 18).outcomes[ROUTABLE]

    expected = sum(10_000 * 5 ** (-month / 18) for month in range(18))

    assert found.cost_usd == pytest.approx(np.full(10, expected))


@pytest.mark.parametrize(
    ("decay", "routable", "sign"),
    [
        *(("0", "0.65", -1), ("0.25", "0.65", -1), ("0.5", "0.65", 1)),
        *(("1", "0.3", 1), ("1", "0.65", 1), ("1", "0.95", 1)),
    ],
)
def test_lock_in_wins_at_slow_decay_and_routing_at_fast(
    decay: str, routable: str, sign: int
) -> None:
    """The signs of the prototype: 18 months, a discount of 20 %, 8 % overhead, no rationing."""
    inputs = INPUTS.changed_by(
        QUIET | {"correlation": "0.5", "decay_share": decay, "routable": routable}
    )
    found = simulate(inputs, 1, 10_000, 18).outcomes

    regret = np.median(found[PROTECTED].cost_usd - found[ROUTABLE].cost_usd)

    assert np.sign(regret) == sign


def test_the_crossover_lies_where_the_sign_turns() -> None:
    """Between slow and fast decay, and the median regret is about nothing there."""
    quiet = simulate(INPUTS.changed_by(QUIET), 1, 10_000, 18)
    surface = regret_surface(quiet)
    row = surface[routable_shares(quiet).index(0.65)]
    found = crossover(row)

    assert found is not None
    assert 0.25 < found < 0.5
    there = simulate(INPUTS.changed_by(QUIET | {"decay_share": f"{found:.4f}"}), 1, 10_000, 18)
    regret = there.outcomes[PROTECTED].cost_usd - there.outcomes[ROUTABLE].cost_usd
    assert abs(np.median(regret)) < 0.1 * abs(row[DECAY_SHARES.index("0")])
    assert crossover([1.0] * len(DECAY_SHARES)) is None


def test_correlation_makes_shocks_meet_and_nothing_else() -> None:
    """Each shock is as frequent as before; rises and rationing begin in the same months."""
    together = {}
    for correlation in (0.0, 0.8):
        draws = draw(1, 20_000, 12)
        rises = draws.of("up", correlation) < -1.5
        rations = draws.of("ration", correlation) < -1.5
        assert rises.mean() == pytest.approx(0.0668, rel=0.03)
        assert rations.mean() == pytest.approx(0.0668, rel=0.03)
        together[correlation] = (rises & rations).mean()

    assert together[0.0] == pytest.approx(0.0668**2, rel=0.1)
    assert together[0.8] > 6 * together[0.0]


def test_a_seed_decides_every_bit() -> None:
    """The same seed prints the same bytes; another does not."""
    few = ("--paths", "500", "--months", "12")
    outputs = [run(*few, "--json", "--seed", seed).stdout_bytes for seed in ("7", "7", "8")]

    assert outputs[0] == outputs[1]
    assert outputs[0] != outputs[2]
    assert json.loads(outputs[0])["inputs_sha256"] != json.loads(outputs[2])["inputs_sha256"]


def test_ten_thousand_paths_take_seconds() -> None:
    """36 months and four architectures within five seconds of one processor's time."""
    started = time.process_time()
    simulate(INPUTS, 1, 10_000, 36)

    assert time.process_time() - started < 5


def test_a_commitment_is_paid_though_demand_falls() -> None:
    """Take-or-pay: what is not used is billed, and listed as what hurts."""
    inputs = INPUTS.changed_by(STILL | {"demand_growth": "-0.2", "commitment": "1"})
    found = simulate(inputs, 1, 100, 10)

    assert found.outcomes[PROTECTED].cost_usd == pytest.approx(np.full(100, 80_000))
    hurts = {harm.shock: harm.worst_usd for harm in harms(found, PROTECTED)}
    assert max(hurts, key=lambda shock: hurts[shock]) == "commitment"


def test_a_vendor_that_leaves_is_replaced_and_missed() -> None:
    """From the month it leaves the market serves, once migration is paid and downtime lost."""
    certain = STILL | {"vendor_event": "12", "decay_share": "0"}
    found = simulate(INPUTS.changed_by(certain), 1, 10, 3).outcomes

    month, lost = 10_000 * 1.08, 0.5 * 10_000
    assert found[PROTECTED].cost_usd == pytest.approx(np.full(10, 2.5 * month + 40_000 + 3 * lost))
    missed = 0.25 * 0.5 * 0.35
    assert found[ROUTABLE].cost_usd == pytest.approx(
        np.full(10, (3 - missed) * month + 0.25 * 40_000 + 3 * missed * 10_000)
    )


def test_who_is_prepared_is_served_while_the_vendor_rations() -> None:
    """A second vendor turns lost work into dearer service."""
    rationed = STILL | {"ration_begin": "12", "ration_end": "0.01", "decay_share": "0"}
    found = simulate(INPUTS.changed_by(rationed), 1, 50, 6).outcomes

    assert found[PROTECTED].unserved.mean() > 0.2
    assert found[ROUTABLE].unserved.max() == 0
    assert found[ROUTABLE].loss_usd.max() == 0


def test_the_worst_mean_is_that_of_the_worst() -> None:
    """CVaR95 of 1 to 100 is the mean of the five highest; it is never below P95."""
    costs = np.arange(1.0, 101.0)

    assert worst_mean(costs) == 98
    assert worst_mean(costs) >= np.quantile(costs, 0.95)


def test_the_standard_error_is_that_of_repeated_runs() -> None:
    """Means of many runs scatter as the error of one says."""
    runs = [simulate(INPUTS, seed, 400, 12).outcomes[ROUTABLE].cost_usd for seed in range(200)]
    scatter = np.std([costs.mean() for costs in runs], ddof=1)
    told = np.mean([standard_error(costs) for costs in runs])

    assert told == pytest.approx(scatter, rel=0.15)


def test_more_than_memory_holds_is_refused() -> None:
    """Fifty thousand paths of ten years would take gigabytes."""
    result = run("--paths", "50000", "--months", "120")

    assert result.exit_code == 2
    assert "Keep paths x months within" in result.output


def test_every_shock_has_a_question() -> None:
    """What is asked of the vendor follows what hurts, worst first."""
    found = report("--paths", "2000")
    tables = {
        table["title"].partition(":")[0].partition(",")[0]: table for table in found["tables"]
    }
    hurts = tables["What hurts price-protected"]["rows"]
    asked = [row[0] for row in tables["Questions for the vendor"]["rows"]]

    assert {row[0] for row in hurts} == set(load_data("stress")["questions"])
    assert asked == [row[0] for row in hurts if float(row[2].replace(",", "")) > 0][: len(asked)]
    assert len(asked) >= 3


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("discount", "1"), ("discount", "-0.1"), ("decay_factor", "0.5"), ("outage", "13")),
        *(("ration_served", "1.2"), ("correlation", "1"), ("decay_share", "9")),
    ],
)
def test_impossible_terms_are_refused_with_the_range(name: str, value: str) -> None:
    """Prices can neither be given away nor become negative; shares are shares."""
    with pytest.raises(InputError) as caught:
        INPUTS.changed_by({name: value})

    assert " to " in caught.value.fix


def test_the_backtest_is_printed_whatever_it_is() -> None:
    """Frozen at 2026-05-31, with nothing known later: it says how many prices it missed."""
    found = report("--backtest")
    rows = found["tables"][0]["rows"]
    missed = [row for row in rows if row[5] == "no"]

    assert int(found["figures"]["cases"]) == len(rows) == 14
    assert int(found["figures"]["inside"]) == len(rows) - len(missed)
    assert all(row[0] in found["answer"][1] for row in missed)
    assert "0 rises" in found["answer"][2]
    luna = next(row for row in rows if row[0] == "gpt-5.6-luna")
    assert luna[4] == "0.200"


def test_the_page_has_charts(tmp_path: Path) -> None:
    """`--html` draws all architectures on one scale, and where routing begins to win."""
    path = tmp_path / "stress.html"

    assert run("--paths", "200", "--html", str(path)).exit_code == 0
    text = path.read_text()
    lines, bars, surface = text.split("<svg")[1:]
    assert [name for name in NAMES if name in lines and name in bars] == list(NAMES)
    assert surface.count("<rect") == 6 * len(DECAY_SHARES)
    assert "Crossover" in text
    assert "://" not in text


def test_a_missing_package_is_told_with_its_fix() -> None:
    """Without NumPy the command says which extra brings it, and other commands work."""
    code = (
        "import sys; sys.modules['numpy'] = None; from headgate.cli.main import main; "
        "sys.argv = ['headgate', sys.argv[1]]; main()"
    )
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": "src"}
    found = [
        subprocess.run(
            [sys.executable, "-c", code, name],
            capture_output=True,
            text=True,
            env=environ,
            cwd=Path(__file__).parents[2],
            check=False,
        )
        for name in ("stress", "claims")
    ]

    assert found[0].returncode == 2
    assert "Install headgate[desk]" in found[0].stderr
    assert found[1].returncode == 0, found[1].stderr
