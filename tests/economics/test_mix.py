"""The mix: as cheap as trying everything, within every limit, and exact in what it costs."""

import itertools
import json
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from headgate.cli.main import app
from headgate.economics.inputs import InputError
from headgate.economics.load import load_inputs
from headgate.economics.mix.load_team import load_offers, load_team
from headgate.economics.mix.offers import Offer, Problem, User, allowed, month_cost, team_costs
from headgate.economics.mix.report import problem_of
from headgate.economics.mix.solve import solve

F = Fraction
USD = 10**9
LIMITLESS = 10**9 * USD


def offer(name: str, kind: Any = "usage", **given: Any) -> Offer:
    usual = Offer(
        id=name,
        vendor="any",
        kind=kind,
        price_nanos=0,
        capacity_nanos=0,
        overage=F(1),
        cost_share=F(1),
        quality=F(1),
        regions=frozenset(),
        seats_min=0,
        seats_max=None,
        minimum_nanos=0,
    )
    return replace(usual, **given)


def seat(name: str, price: int, capacity: int, **given: Any) -> Offer:
    sizes = {"price_nanos": price * USD, "capacity_nanos": capacity * USD}
    return offer(name, "seat", **sizes, **given)


def user(name: str, *usd: float, **given: Any) -> User:
    demand = tuple(round(one * USD) for one in usd)
    return replace(User(name, demand, None, F(0), None), **given)


def problem(users: Sequence[User], offers: Sequence[Offer], **given: Any) -> Problem:
    return replace(Problem(tuple(users), tuple(offers), F(1), LIMITLESS, F(3)), **given)


def crowd(chance: random.Random, users: int, months: int) -> list[User]:
    """Return users whose demand differs a hundredfold, month by month."""
    return [
        user(f"u{number}", *(chance.lognormvariate(level, 0.6) for _ in range(months)))
        for number in range(users)
        for level in [chance.gauss(4.5, 1.5)]
    ]


def kept(one: Problem, chosen: Sequence[int]) -> bool:
    """Tell whether a choice keeps to quality, region, seats, vendors' shares and the budget."""
    for index, taken in enumerate(one.offers):
        seats = list(chosen).count(index)
        if seats and seats < taken.seats_min:
            return False
        if taken.seats_max is not None and seats > taken.seats_max:
            return False
    pairs = zip(one.users, chosen, strict=True)
    if not all(allowed(who, one.offers[index]) for who, index in pairs):
        return False
    months = team_costs(one, chosen)
    over = sum(cost > one.budget_nanos for cost in months)
    return over <= len(months) // 20 and _within_vendors(one, chosen)


def _within_vendors(one: Problem, chosen: Sequence[int]) -> bool:
    pairs = list(zip(one.users, chosen, strict=True))
    for vendor in {taken.vendor for taken in one.offers} - {"any"}:
        own = [(who, index) for who, index in pairs if one.offers[index].vendor == vendor]
        if not own:
            continue
        theirs = replace(one, users=tuple(who for who, _ in own))
        paid = sum(team_costs(theirs, [index for _, index in own]))
        others = sum(
            sum(one.costs(who, one.offers[index]))
            for who, index in pairs
            if one.offers[index].vendor != vendor
        )
        if paid > (paid + others) * one.vendor_share_max:
            return False
    return True


def best_of_all(one: Problem) -> int | None:
    """Return the cost of the best of all choices, by trying them; None when none is allowed."""
    choices = itertools.product(range(len(one.offers)), repeat=len(one.users))
    costs = [sum(team_costs(one, chosen)) for chosen in choices if kept(one, chosen)]
    return min(costs, default=None)


def any_below(one: Problem, limit: float) -> bool:
    """Tell whether any choice costs less than a limit, leaving out what cannot."""
    costs = [[sum(one.costs(who, taken)) for taken in one.offers] for who in one.users]
    least = [min(row) for row in costs]
    rest = [sum(least[number:]) for number in range(len(least) + 1)]

    def go(chosen: list[int], paid: int) -> bool:
        number = len(chosen)
        if paid + rest[number] >= limit:
            return False
        if number == len(one.users):
            return kept(one, chosen) and sum(team_costs(one, chosen)) < limit
        return any(
            go([*chosen, index], paid + costs[number][index]) for index in range(len(one.offers))
        )

    return go([], 0)


@pytest.mark.parametrize("seed", range(12))
def test_a_small_team_gets_the_best_of_all_choices(seed: int) -> None:
    """Within 1 %, with seats, a commitment, a machine, a vendor's share and a budget."""
    chance = random.Random(seed)
    offers = [
        offer("api"),
        seat("plan", 20, 300, vendor="a", overage=None, seats_min=2),
        offer("routed", vendor="b", cost_share=F("0.5"), minimum_nanos=60 * USD, quality=F("0.7")),
        offer("own", "machine", price_nanos=90 * USD, capacity_nanos=400 * USD, seats_max=3),
    ]
    users = crowd(chance, 5, 3)
    users[0] = replace(users[0], quality=F("0.9"))
    one = problem(users, offers, vendor_share_max=F(chance.choice(["1", "0.8"])))
    free = best_of_all(replace(one, vendor_share_max=F(1)))
    assert free is not None
    one = replace(one, budget_nanos=chance.choice([LIMITLESS, free // 2]))

    expected = best_of_all(one)

    if expected is None:
        with pytest.raises(InputError, match="No mix"):
            solve(one)
        return
    chosen = solve(one).chosen
    assert kept(one, chosen)
    assert sum(team_costs(one, chosen)) <= expected * 1.01


@pytest.mark.parametrize("seed", range(3))
def test_a_dozen_users_and_eight_offers(seed: int) -> None:
    """Within 1 % of the best, with minimum seats."""
    chance = random.Random(seed)
    sizes = [(20, 400), (100, 2_000), (200, 8_000), (20, 700), (30, 250), (60, 900)]
    offers = [
        offer("api"),
        offer("routed", cost_share=F("0.6"), minimum_nanos=50 * USD),
        *(
            seat(f"plan-{price}-{capacity}", price, capacity, seats_min=number % 4)
            for number, (price, capacity) in enumerate(sizes)
        ),
    ]
    one = problem(crowd(chance, 12, 4), offers)

    chosen = solve(one).chosen

    assert kept(one, chosen)
    assert not any_below(one, sum(team_costs(one, chosen)) / 1.01)


def test_a_thousand_users_take_seconds() -> None:
    """Within five seconds of one processor's time, with a vendor's share and a budget that bind."""
    one = problem(crowd(random.Random(1), 1000, 12), load_offers(None), vendor_share_max=F("0.6"))
    dearest = max(team_costs(one, solve(one).chosen))
    one = replace(one, budget_nanos=dearest * 98 // 100)
    started = time.process_time()

    solution = solve(one)

    assert time.process_time() - started < 5
    assert solution.gap <= 0.01
    assert kept(one, solution.chosen)
    assert solution.shadow_usd["budget_usd"] > 0


def test_costs_of_a_month() -> None:
    """Usage is a share, a seat its price and what is beyond it, a stop is lost work."""
    assert month_cost(100 * USD, offer("api", cost_share=F("0.3")), F(3)) == 30 * USD
    assert month_cost(100 * USD, seat("p", 20, 400), F(3)) == 20 * USD
    assert month_cost(500 * USD, seat("p", 20, 400), F(3)) == 120 * USD
    assert month_cost(500 * USD, seat("p", 20, 400, overage=None), F(3)) == 320 * USD


def test_machines_are_counted_for_the_busiest_month() -> None:
    """Two machines when one is not enough in one month; they cost in every month."""
    own = offer("own", "machine", price_nanos=90 * USD, capacity_nanos=400 * USD)
    one = problem([user("a", 100, 300), user("b", 100, 200)], [own])

    assert team_costs(one, [0, 0]) == [180 * USD, 180 * USD]
    assert solve(one).chosen == (0, 0)


def test_a_budget_binds_machines_as_well() -> None:
    """Two machines that do not fit into a budget are refused, or give way to what fits."""
    own = offer("own", "machine", price_nanos=90 * USD, capacity_nanos=400 * USD)
    one = problem([user("a", 300, 300), user("b", 300, 300)], [own], budget_nanos=100 * USD)

    with pytest.raises(InputError, match="No mix"):
        solve(one)
    half = replace(one, offers=(own, offer("lesser", cost_share=F("0.03"))))
    dear = replace(half, offers=(own, offer("lesser", cost_share=F("0.31"))))
    assert solve(half).chosen == (1, 1)
    with pytest.raises(InputError, match="No mix"):
        solve(dear)


def test_a_machine_by_the_hour(tmp_path: Path) -> None:
    """Rent for every hour of a month; capacity for the busy ones, at the list price of the mix."""
    path = tmp_path / "offers.toml"
    path.write_text(
        '[[offer]]\nid = "gpu"\nkind = "machine"\nusd_per_hour = "2.5"\n'
        'tokens_per_second = "2000"\nutilisation = "0.4"\nlist_usd_per_mtok = "0.6"\n'
    )

    [gpu] = load_offers(path)

    assert gpu.price_nanos == round(2.5 * 730.5 * USD)
    assert gpu.capacity_nanos == round(2_000 * 3_600 * 730.5 * 0.4 * 0.6 / 1e6 * USD)


def test_a_shadow_price_is_what_a_dollar_of_budget_is_worth() -> None:
    """Where the cheapest may not be taken in full, a limit has a price; where none binds, none."""
    cheap = offer("cheap", vendor="a", cost_share=F("0.5"))
    one = problem([user("x", 100, 100), user("y", 100, 100)], [offer("api"), cheap])

    assert max(solve(one).shadow_usd.values(), default=0) == 0
    bound = solve(replace(one, vendor_share_max=F("0.4")))
    # A share s of the cheap offer makes a month cost 200 / (1 + s), which falls by 200 / (1 + s)^2.
    for_a_hundredth = 2 * 0.01 * 200 / 1.4**2
    assert bound.shadow_usd["vendor_share_max of a"] == pytest.approx(for_a_hundredth, rel=1e-6)


def team(folder: Path, rows: Sequence[str], header: str = "user,month,usd,now") -> Path:
    path = folder / "months.csv"
    path.write_text("\n".join([header, *rows]))
    return path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["mix", *arguments])


def months_of(name: str, usd: Sequence[int], now: str = "api") -> list[str]:
    return [f"{name},2026-{number:02},{one},{now}" for number, one in enumerate(usd, 1)]


def test_a_team_from_a_file(tmp_path: Path) -> None:
    """Who uses much gets a seat, who uses little pays by use; the saving is against today."""
    rows = months_of("heavy", [2_900, 3_000, 3_100, 3_000]) + months_of("light", [3, 5, 4, 4])
    found = json.loads(run(str(team(tmp_path, rows)), "--json").stdout)
    users = {row[0]: row for row in found["tables"][-1]["rows"]}

    assert users["heavy"][1:3] == ["api", "chatgpt-pro-5x"]
    assert users["light"][1:3] == ["api", "api"]
    assert found["figures"]["baseline_usd"] == "3004.00"
    assert found["figures"]["cost_usd"] == "104.00"
    assert found["figures"]["saving_usd"] == "2900.00"
    low, high = (float(found["figures"][f"saving_{end}_usd"]) for end in ("low", "high"))
    lines = {one["name"]: one["points"] for one in found["charts"][0]["series"]}
    assert lines["the mix"] == [["1", "103.00"], ["2", "105.00"], ["3", "104.00"], ["4", "104.00"]]
    assert 2800 <= low <= 2900 <= high <= 3000
    assert found == json.loads(run(str(team(tmp_path, rows)), "--json").stdout)


def test_held_out_months_judge_the_choice(tmp_path: Path) -> None:
    """A choice made before somebody began to use ten times as much is dearer than hindsight."""
    rows = months_of("a", [15, 15, 15, 1_500])
    inputs = tmp_path / "inputs.toml"
    inputs.write_text('held_out = "1"\n')

    found = json.loads(run(str(team(tmp_path, rows)), "--inputs", str(inputs), "--json").stdout)

    assert found["answer"][2].startswith("In the 1 month it had not seen it costs 1,500.00 USD")
    assert "1,400.00 USD more than the best choice in hindsight" in found["answer"][2]


@pytest.mark.parametrize(
    ("held", "told", "fix"),
    [
        ("0", "2 months, 3 are needed", "import older logs"),
        ("1", "1 month beside 1 held out, 3 are needed", "set held_out to 0"),
    ],
)
def test_too_few_months_are_told_with_what_helps(
    tmp_path: Path, held: str, told: str, fix: str
) -> None:
    """Whoever holds nothing out is not told to hold out less."""
    inputs = tmp_path / "inputs.toml"
    inputs.write_text(f'held_out = "{held}"\n')

    result = run(str(team(tmp_path, months_of("a", [1, 2]))), "--inputs", str(inputs))

    assert result.exit_code == 2
    assert told in result.output
    assert fix in " ".join(result.output.split())
    assert held != "0" or "held_out" not in result.output


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (months_of("a", [1, 2]), "Not enough data"),
        (["a,2026-01,-3,api"], "usd in line 2"),
        (["a,,3,api"], "Line 2 lacks"),
        (months_of("a", [1, 2, 3], now="nothing"), "no offer"),
        ([], "no rows"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, rows: list[str], told: str) -> None:
    """Thin data gives no number; a wrong row or offer is named."""
    result = run(str(team(tmp_path, rows)))

    assert result.exit_code == 2
    assert told in result.output


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no offers"),
        ('[[offer]]\nid = "x"\nkind = "seat"', "no capacity"),
        ('[[offer]]\nid = "x"\nkind = "usage"', "no cost"),
        ('[[offer]]\nid = "x"\nkind = "usage"\ncost_share = "1"\nregions = "eu"', "no list"),
        ('[[offer]]\nid = "x"\nkind = "gift"', "seat, usage or machine"),
        ('[[offer]]\nid = "x"\nkind = "machine"\nusd_per_hour = "2"', "lacks list_usd_per_mtok"),
        ('[[offer]]\nid = "x"\nkind = "seat"\nutilisation = "2"', "x lacks"),
        ('[[offer]]\nid = "x"\nkind = "usage"\ncost_share = "1"\nprize = "1"', "unknown prize"),
        ('[[offer]]\nid = "x"\nkind = "usage"\ncost_share = "-1"', "from 0 to"),
    ],
)
def test_a_wrong_offer_is_refused(tmp_path: Path, text: str, told: str) -> None:
    """With what to write instead."""
    path = tmp_path / "offers.toml"
    path.write_text(text)

    with pytest.raises(InputError) as caught:
        load_offers(path)
    assert told in f"{caught.value} {caught.value.fix}"


def test_a_user_whom_nobody_may_serve_is_named(tmp_path: Path) -> None:
    """A region that no offer has is told before anything is chosen."""
    path = team(tmp_path, ["a,2026-01,1,eu"], "user,month,usd,region")
    _, users = load_team(path)
    only = offer("us", regions=frozenset({"us"}))

    with pytest.raises(InputError, match="No offer may serve a"):
        problem_of(load_inputs("mix"), users, (only,))


def test_nothing_but_the_answer_is_printed(tmp_path: Path) -> None:
    """The solver greets nobody: standard output is JSON alone."""
    path = team(tmp_path, months_of("a", [1, 2, 3]))
    code = "import sys; from headgate.cli.main import main; sys.argv[0] = 'headgate'; main()"

    done = subprocess.run(
        [sys.executable, "-c", code, "mix", str(path), "--json"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout)["command"] == "mix"
