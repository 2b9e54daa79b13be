"""What-if by a policy: on the books by their decisions, on imported calls by prices alone."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import pytest

from headgate.catalog.rows import parse_row
from headgate.economics.inputs import InputError
from headgate.economics.prices.load_past import charged_calls
from headgate.economics.replays.load_served import Served, Stretch, served
from headgate.economics.whatif.load_calls import of_books
from headgate.economics.whatif.load_routed import Ground, noting, routed
from headgate.economics.whatif.moves import STAYS, Moves
from headgate.economics.whatif.replay import Replay
from headgate.economics.whatif.routing import Ground as Imported
from headgate.economics.whatif.routing import check_policy
from headgate.economics.whatif.routing import routed as routed_among
from headgate.economics.whatif.scenario import Scenario, read_among
from headgate.economics.whatif.tokenisers import factor
from headgate.records.estimate import EstimateRecord
from headgate.records.journal import CandidateRecord, DecisionRecord
from headgate.routing.policies import cascade
from headgate.routing.policies.registry import Chosen, Settings, defaults_of, policies
from headgate.units.instants import from_datetime
from headgate.units.usage import Usage
from tests.console.books import NOW_NS, Books
from tests.economics.past_calls import (
    BOOK,
    FAMILIES,
    INPUTS,
    OPUS,
    SONNET,
    F,
    calls,
    rate,
    row,
    run,
)
from tests.economics.test_replays import CHEAPEST, DEPLOYMENTS, ORDERED, USAGE, call, record

DEAR, CHEAP = "openai/gpt-5.5", "openai/gpt-5.4-mini"
TOKENS = partial(factor, INPUTS, FAMILIES)


def named(made: Served, attempt: str, **changes: object) -> Served:
    return made._replace(attempt=attempt, **changes)  # type: ignore[arg-type]  # fields by name


def replayed(made: list[Served], policy: Chosen) -> tuple[Moves, Replay]:
    """Return who would have served calls of the dear deployment, and what that comes to."""
    attempts = [one.attempt for one in made]
    moves = routed(made, attempts, Ground(policy, BOOK, DEPLOYMENTS))
    past = calls(*(row(DEAR, one.usage) for one in made))
    return moves, run(past, Scenario(BOOK, BOOK, routed=moves))


def cost(usage: Usage, model: str = CHEAP) -> int:
    return rate(BOOK, model, usage)


def test_a_call_moves_to_where_the_policy_sends_it() -> None:
    """At the prices there; its cached prompt is read afresh, but for what the session has there."""
    made = [named(call(record(), "s"), "a.1"), named(call(record(), "s"), "b.1")]
    cold = USAGE._replace(input_uncached=10_000, cache_read=0)

    stays = replayed(made, ORDERED)[1]
    moves, would = replayed(made, CHEAPEST)

    assert stays.moves == ()
    assert moves.warm is not None
    assert moves.warm.tolist() == [False, True]
    assert would.lines["models"] == (2 * (cost(USAGE) - cost(USAGE, DEAR)),)
    assert would.lines["cache"] == (cost(cold) - cost(USAGE),)


def test_a_deployment_that_is_no_more_has_no_price() -> None:
    """Its calls are in no figure, and counted."""
    made = [named(call(record()), "a.1")]
    ground = Ground(CHEAPEST, BOOK, {"gpt": DEPLOYMENTS["gpt"]})

    moves = routed(made, ["a.1"], ground)
    would = run(calls(row(DEAR, USAGE)), Scenario(BOOK, BOOK, routed=moves))

    assert would.left_out == 1


def test_what_was_asked_on_the_way_to_an_answer_is_not_asked_again() -> None:
    """Attempts of a call that others followed fall away with the policy that made them."""
    made = [named(call(record()), "a.1", final=False), named(call(record()), "a.2")]

    moves, would = replayed(made, ORDERED)

    assert moves.target.tolist() == [STAYS, STAYS]
    assert would.lines["escalated"] == (-cost(USAGE, DEAR),)


@pytest.mark.parametrize(
    ("attempts", "answer"),
    [
        (["gpt"], 0),
        (["mini", "gpt"], 1),
        (["mini", "judge"], 0),
        (["mini", "judge", "gpt"], 2),
        (["mini", "gpt", "judge"], 1),
    ],
)
def test_the_answer_that_was_given_is_the_call(attempts: list[str], answer: int) -> None:
    """What else was asked on the way falls away, a judge's word that accepted it too."""
    asked_ = msgspec.structs.replace(record(), notes={cascade.CHAIN: "mini -> gpt"})
    last = len(attempts) - 1
    made = [
        named(call(asked_), f"a.{number + 1}", deployment=name, final=number == last)
        for number, name in enumerate(attempts)
    ]

    moves, would = replayed(made, ORDERED)

    assert moves.dropped is not None
    assert np.flatnonzero(~moves.dropped).tolist() == [answer]
    assert would.lines["escalated"] == (-last * cost(USAGE, DEAR),)


def test_a_cascade_pays_for_checks_and_for_whom_it_asks_on() -> None:
    """By the chances that its own formula gives, each with the tokens the call had."""
    made = [named(call(verifiable()), "a.1")]
    policy = cascaded()

    moves, would = replayed(made, policy)

    assert moves.chains is not None
    accepted = 900_000 * 900_000 // 1_000_000 + 100_000 * 100_000 // 1_000_000
    turned_down = 1_000_000 - accepted
    assert moves.chains.then[0].ppm.tolist() == [turned_down]
    cold = USAGE._replace(input_uncached=10_000, cache_read=0)
    expected = (cost(cold, DEAR) * turned_down + 500_000) // 1_000_000
    assert would.lines["escalated"] == (expected,)
    assert would.lines["checks"] == (1_000,)


def verifiable() -> DecisionRecord:
    """Return a decision on a call whose answer can be verified; the dear one is the best."""
    known = EstimateRecord(900_000, 850_000, 950_000, 50_000, {}, 0, 0, 0, None, None)
    made = record()
    pair = tuple(
        msgspec.structs.replace(each, estimate=known, position=1 - each.position)
        for each in made.candidates
        if not each.excluded
    )
    told = {cascade.WHOLE: 1, cascade.CHECK: 1_000}
    return msgspec.structs.replace(made, candidates=pair, inputs=told)


def cascaded() -> Chosen:
    part = policies()["cascade"]
    shares = {"verifier": 0, "accepts_good": 900_000, "accepts_bad": 100_000}
    values = defaults_of(part.SETTINGS) | shares | {"loss": 1_000_000}
    return Chosen(part, Settings("checked", values))


def test_a_policy_without_evidence_says_so() -> None:
    """Where no decision has what it goes by, there is no answer; where some have, it is noted."""
    blind, seen = named(call(record()), "a.1"), named(call(record(known=9_000)), "b.1")
    valued = Chosen(policies()["best_value"], Settings("value", {"point": 100_000}))
    attempts = ["a.1", "b.1", "c.1"]
    ground = Ground(valued, BOOK, DEPLOYMENTS)

    with pytest.raises(InputError, match="value goes by estimates, and no decision"):
        routed([blind], attempts, ground)
    with pytest.raises(InputError, match="no decision of this period says whose could be"):
        routed([seen], attempts, ground._replace(policy=cascaded()))
    notes = routed([blind, seen], attempts, ground).notes

    assert notes == (
        "1 attempts stay: they were not answered, or their decision is not kept.",
        "1 of 2 calls were decided without the estimates that value goes by.",
    )


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Books]:
    made = Books(tmp_path)
    yield made
    made.close()


def test_the_books_tell_who_might_have_served(books: Books) -> None:
    """A decision is found by its attempt; those without one stay, whatever the policy."""
    pair = (
        CandidateRecord("gpt-5-5", 12_000_000, place=1, position=1),
        CandidateRecord("claude-opus", 31_000_000, place=2, position=0),
    )
    number = books.decide(NOW_NS, "fast", pair)
    for decision in (number, 0):
        books.settle(books.hold(decision=decision), {"output_text": 1_000})
    books.fold()
    days = (NOW_NS - 10**12, NOW_NS)
    snapshot, attempts = books.snapshot, list[str]()

    with books.reading.connect() as connection:
        charged = charged_calls(connection, snapshot.price_book, snapshot.deployments, *days)
        past = of_books(noting(charged, attempts), "principal")
        ground = Ground(ORDERED, snapshot.price_book, snapshot.deployments)
        moves = routed(served(connection, Stretch(*days)), attempts, ground)

    assert past.classes == ("alice",)
    assert [one.name for one in past.whos] == ["alice"]
    assert moves.target.tolist() == [0, STAYS]
    assert moves.targets[0][:2] == ("anthropic", "claude-opus-5")


def test_imported_calls_go_where_their_tokens_are_cheapest() -> None:
    """By each call's own tokens as the other's tokeniser counts them; nobody moves to himself."""
    long, wordy = Usage(400_000), Usage(10, output_text=100_000)
    past = calls(row(OPUS, wordy), row(DEAR, wordy), row(DEAR, long))

    moves = routed_among(
        past, CHEAPEST, Imported(read_among([OPUS, DEAR], BOOK), BOOK, None, TOKENS)
    )

    assert cost(wordy, OPUS) < cost(wordy, DEAR)  # of as many tokens; fewer make the difference
    assert [moves.targets[one][1] if one != STAYS else None for one in moves.target] == [
        "gpt-5.5",
        None,
        "claude-opus-4-8",
    ]


def test_a_day_whose_prices_hold_decides_as_well() -> None:
    """A policy chooses by the prices that are asked about, not by those of the call."""
    early = parse_row(
        {
            "model": "claude-opus-4-8",
            "valid_from": date(2026, 1, 1),
            "valid_to": date(2026, 1, 3),
            "recorded_at": date(2026, 1, 1),
            "usd_per_million": {"input": "0.1", "output": "0.1"},
        },
        seller="anthropic",
        bands={},
        origin="configuration",
    )
    day_ns = from_datetime(datetime(2026, 1, 2, tzinfo=UTC))
    models = read_among([OPUS, SONNET], BOOK)
    past = calls(row(SONNET, Usage(1_000)))

    now = routed_among(past, CHEAPEST, Imported(models, BOOK, None, TOKENS))
    then = routed_among(past, CHEAPEST, Imported(models, BOOK.with_rows([early]), day_ns, TOKENS))

    assert now.target.tolist() == [STAYS]
    assert now.notes == ()
    assert then.notes == (
        "anthropic/claude-sonnet-5 has no price for 1 calls at their time, so it is not chosen "
        "for them.",
    )
    assert then.targets[then.target[0]][1] == "claude-opus-4-8"


def test_the_first_of_an_order_takes_all_and_a_spread_spreads() -> None:
    """Policies see imported calls as turns of a route that lists the models."""
    past = calls(*(row(OPUS, Usage(1_000)) for _ in range(32)))
    ground = Imported(read_among([CHEAP, DEAR], BOOK), BOOK, None, TOKENS)
    weighted = Chosen(policies()["weighted"], Settings("weighted"))

    first = routed_among(past, ORDERED, ground)
    spread = routed_among(past, weighted, ground)

    assert {first.targets[one][1] for one in first.target} == {"gpt-5.4-mini"}
    assert np.bincount(spread.target).tolist() == [16, 16]


def test_logs_have_no_evidence_of_quality() -> None:
    """A policy that goes by more than prices is refused there, and so is one without a choice."""
    valued = Chosen(policies()["best_value"], Settings("value"))
    models = read_among([CHEAP, DEAR], BOOK)

    with pytest.raises(InputError, match="goes by text, which imported logs do not have"):
        check_policy(valued, models)
    with pytest.raises(InputError, match="1 models to choose between"):
        check_policy(CHEAPEST, models[:1])


def test_moves_by_a_policy_keep_to_their_classes() -> None:
    """`--only` holds for policies as for models."""
    made = [named(call(record()), "a.1"), named(call(record()), "b.1")]
    moves = routed(made, ["a.1", "b.1"], Ground(CHEAPEST, BOOK, DEPLOYMENTS))
    scenario = Scenario(BOOK, BOOK, routed=moves, only=frozenset(["side"]), retries=F(1))

    would = run(calls(row(DEAR, USAGE), row(DEAR, USAGE, "side")), scenario)

    assert [one.calls for one in would.moves] == [1]
    assert would.lines["retries"][0] == 0
