"""Past calls by another policy: where they would go, at what cost, and what is called unknown."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest

from headgate.catalog.load import load_price_book
from headgate.catalog.settings import Deployment
from headgate.config.load_policy import load_policy, policy_named
from headgate.economics.replays.load_served import Served
from headgate.economics.replays.policy import Hope, Replayed, World, replay
from headgate.economics.replays.report import difference, latency_ms, quality
from headgate.insights.decisions_again import decide_again
from headgate.records.estimate import EstimateRecord
from headgate.records.journal import CandidateRecord, DecisionRecord
from headgate.routing.policies.registry import Chosen, Settings, policies
from headgate.routing.replaying import Repeat, first_by, repeat
from headgate.store.database import open_store_readonly
from headgate.units.errors import ConfigurationError
from headgate.units.instants import from_datetime
from headgate.units.usage import Usage

DEPLOYMENTS = {
    name: Deployment(name, "openai", model, "openai", model, 400_000, 100_000, 1_000)
    for name, model in (("gpt", "gpt-5.5"), ("mini", "gpt-5.4-mini"))
}
AT = from_datetime(datetime(2026, 10, 5, 12, tzinfo=UTC))
USAGE = Usage(1_000, 9_000, output_text=100)
ORDERED, CHEAPEST = (Chosen(policies()[kind], Settings(kind)) for kind in ("ordered", "cheapest"))


def record(*, warm_nanos: int = 0, kind: str = "ordered", known: int = 0) -> DecisionRecord:
    """Return a decision between a dear and a cheap deployment, dear first unless by price."""
    estimate = EstimateRecord(800_000, 700_000, 900_000, known, {}, 0, 0, 0, None, None)
    pair = [
        CandidateRecord("gpt", 20_000, place=1, position=0, estimate=estimate if known else None),
        CandidateRecord("mini", 2_000, place=2, position=1, warm_nanos=warm_nanos),
        CandidateRecord("gone", 1, "region", place=3, position=2),
    ]
    return DecisionRecord(1, AT, "fast", kind, 10_000, 100, tuple(pair))


def call(made: DecisionRecord, session: str | None = None, who: str = "alice") -> Served:
    """Return a call that the dear deployment served."""
    return Served(AT, who, who, session, (), "gpt", USAGE, 12_500_000, 40, made)


def world(policy: Chosen, evidence: Mapping[str, Hope] | None = None) -> World:
    """Return today's prices with a policy."""
    return World(policy, load_price_book(), DEPLOYMENTS, evidence or {})


def replayed(calls: list[Served], wanted: World) -> Replayed:
    """Return what all of a replay comes to."""
    return list(replay(calls, wanted))[-1]


def test_who_stays_costs_what_it_cost() -> None:
    """The policy that was in force changes nothing, whatever prices are now."""
    found = replayed([call(record()), call(record())], world(ORDERED))

    assert (found.every.moved, found.every.would_nanos) == (0, found.every.was_nanos)
    assert found.every.was_nanos == 25_000_000
    assert latency_ms(found.places, there=True) == 40


def test_who_moves_pays_the_price_there_and_a_cold_cache_once_a_session() -> None:
    """Without a session each call is cold; within one the first; none where the place was warm."""
    lone = replayed([call(record()), call(record())], world(CHEAPEST))
    one = replayed([call(record(), "s"), call(record(), "s")], world(CHEAPEST))
    warm = replayed([call(record(warm_nanos=1))], world(CHEAPEST))

    cold = 9_000 * (750_000 - 75_000) // 1_000
    assert (lone.every.moved, lone.cold_nanos, one.cold_nanos) == (2, 2 * cold, cold)
    assert warm.cold_nanos == 0
    assert lone.every.would_nanos - one.every.would_nanos == cold
    assert one.every.would_nanos - warm.every.would_nanos == warm.every.would_nanos + cold
    assert latency_ms(lone.places, there=True) is None


def test_what_nobody_knows_is_unknown_and_what_is_known_adds_up() -> None:
    """Quality comes of the record, else of votes; without either there is no difference."""
    votes = {"gpt-5.4-mini": Hope(600_000, 500_000, 700_000)}
    calls = [call(record(known=9_000)), call(record(known=9_000), who="bob")]
    blind = replayed([call(record())], world(CHEAPEST, votes))
    found = replayed(calls, world(CHEAPEST, votes))

    assert difference(blind) is None
    assert quality(blind.places, there=False) is None
    changed = difference(found)
    assert changed is not None
    assert round(changed.value, 6) == -0.2
    assert changed.low < -0.3 < changed.value < changed.high < 0
    assert found.principals["bob"].lost_ppm == 200_000


def test_calls_without_a_price_are_in_no_sum() -> None:
    """What would go to a deployment that is not configured any more is counted apart."""
    wanted = world(CHEAPEST)._replace(deployments={"gpt": DEPLOYMENTS["gpt"]})
    found = replayed([call(record()), call(record(), who="bob")], wanted)

    assert (found.unpriced, found.every.was_nanos, found.every.calls) == (2, 0, 2)


def test_policies_that_spread_calls_spread_them_again() -> None:
    """A weighted policy sends each turn's call its own way, as the gateway does."""
    weighted = Chosen(policies()["weighted"], Settings("weighted"))
    firsts = {first_by(record(), weighted, unit="", turn=turn) for turn in range(32)}

    assert {each.deployment for each in firsts if each} == {"gpt", "mini"}


def test_a_decision_repeats_from_its_record_or_is_found_out(books: Path) -> None:
    """The recorded order comes out again; another order is told, one without places not tried."""
    known = policies()
    engine = open_store_readonly(books / "data")
    with engine.connect() as connection:
        again = decide_again(connection, known)
    engine.dispose()

    assert repeat(record(), known) is Repeat.SAME
    assert repeat(record(kind="cheapest"), known) is Repeat.OTHER
    assert repeat(record(kind="forgotten"), known) is Repeat.UNTRIED
    assert (again.same, again.other, again.untried) == (0, 0, 1)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "missing"),
        ('policy = "cheepest"', "cheapest"),
        ('policy = "a"\n[policies.a]\nkind = "best_value"\nworth = "1"', "no such key"),
        ('policy = "a"\n[policies.a]\nkind = "quality_floor"\nfloor = "1"\nthen = "a"', "part of"),
        ('policy = "cheapest"\n[policies.a]\nkind = "ordered"', "comes to this"),
        ('policy = "cheapest"\n[routes.a]\ndeployments = ["gpt"]', "not belong"),
    ],
)
def test_a_bad_file_of_a_policy_is_refused(text: str, problem: str, tmp_path: Path) -> None:
    """What is wrong is told as of a configuration: with its line and a fix."""
    path = tmp_path / "policy.toml"
    path.write_text(text)

    with pytest.raises(ConfigurationError) as refused:
        load_policy(path)
    told = " ".join(f"{each.problem} {each.fix}" for each in refused.value.problems)
    assert problem in told


def test_a_file_that_is_not_there_is_told_as_such(tmp_path: Path) -> None:
    """A name that ends as a file's does is no misspelt policy."""
    with pytest.raises(ConfigurationError, match="No such file"):
        policy_named("mine.toml", {}, tmp_path)


def test_a_good_file_of_a_policy_is_the_policy(tmp_path: Path) -> None:
    """A kind without a table, and one that is composed, are ready to rank."""
    path = tmp_path / "policy.toml"
    table = '[policies.a]\nkind = "quality_floor"\nfloor = "0.9"\nthen = "ordered"'
    path.write_text(f'policy = "a"\n{table}')

    one = load_policy(path)

    assert (one.settings.name, one.settings.value("floor")) == ("a", 900_000)
    first = first_by(record(), one, unit="", turn=0)
    assert first is not None
