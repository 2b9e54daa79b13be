"""Cascades on real calls: verified before the client sees it, escalated, paid and explained."""

import json
from collections.abc import Iterator
from functools import partial
from typing import Any

import anthropic
import openai
import pytest

from headgate.records.journal import SettleRecord
from headgate.routing.deciding import chosen_of, decided_again, placed
from headgate.routing.policies.registry import policies
from headgate.simulator import Fault, FaultKind, Simulator
from tests.gateway.calls import ALICE, ask, call_of, chat, config
from tests.gateway.cascades import (
    BIG,
    FORMAT,
    MINI,
    MORE,
    asked,
    cost,
    decision,
    decisions,
    paid,
    said,
    says,
)
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway
from tests.gateway.provider import whole
from tests.gateway.recording import Recording


@pytest.fixture(scope="module")
def recorded() -> Iterator[Recording]:
    """A provider that says what it is told to."""
    with Recording() as one:
        yield one


@pytest.fixture(scope="module")
def running(recorded: Recording, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with a route for each verifier."""
    text = config(recorded.server.url, recorded.server.url, more=MORE)
    with Gateway(tmp_path_factory.mktemp("cascades"), text) as gateway:
        yield gateway


@pytest.fixture
def provider(recorded: Recording) -> Recording:
    """The provider, with nothing asked of it yet."""
    recorded.answers.clear()
    recorded.bodies.clear()
    return recorded


@pytest.fixture
def gateway(running: Gateway) -> Iterator[Gateway]:
    """The gateway; afterwards each hold has ended once, and nothing stays held."""
    yield running
    running.assert_settled()
    running.heal()


def test_what_is_well_formed_is_served_by_the_cheap_model(
    gateway: Gateway, provider: Recording
) -> None:
    """One attempt is paid, and the decision says the chain and its figures, and repeats."""
    provider.answers = [says('{"answer": 1}')]

    reply = ask(gateway, chat(model="form", response_format=FORMAT))

    assert said(reply) == '{"answer": 1}'
    assert reply.header("x-headgate-cascade") == "1/2"
    assert asked(provider) == [MINI]
    assert paid(gateway, reply) == [cost(reply)]
    record = decision(gateway, "form")
    assert record.notes["cascade"] == "mini -> big"
    cheaper, alone = record.notes["cascade.cost_nanos"], record.notes["cascade.alone_cost_nanos"]
    assert int(cheaper) < int(alone)
    policy = chosen_of(record, policies())
    assert policy is not None
    assert decided_again(record, policy) == placed(record)


@pytest.mark.parametrize(
    ("text", "finish"),
    [('{"answer": "1"}', "stop"), ("1", "stop"), ('{"answer": 1}', "length"), ("", "stop")],
)
def test_what_is_not_is_answered_anew_and_both_are_paid(
    gateway: Gateway, provider: Recording, text: str, finish: str
) -> None:
    """Of a wrong type, no object, cut at the limit, empty: the client sees only what follows."""
    provider.answers = [says(text, finish), says('{"answer": 2}', model=BIG)]

    reply = ask(gateway, chat(model="form", response_format=FORMAT))

    assert said(reply) == '{"answer": 2}'
    assert reply.header("x-headgate-cascade") == "2/2"
    assert reply.header("x-headgate-deployment") == "big"
    assert asked(provider) == [MINI, BIG]
    cheap, dear = paid(gateway, reply)
    assert 0 < cheap < dear
    assert cost(reply) == cheap + dear


def test_when_the_next_step_fails_the_reply_so_far_is_better_than_none(
    gateway: Gateway, provider: Recording
) -> None:
    """An error of the dear model is not what the client gets, unless the policy says so."""
    refused = whole(b'{"error": {"message": "no", "type": "x"}}', status=400)
    provider.answers = [says("1"), refused, says("1"), refused]

    kept = ask(gateway, chat(model="form", response_format=FORMAT))
    strict = ask(gateway, chat(model="strict", response_format=FORMAT))

    assert said(kept) == "1"
    assert kept.header("x-headgate-cascade") == "1/2"
    assert kept.header("x-headgate-deployment") == "mini"
    assert [cost(kept), 0] == paid(gateway, kept)
    assert strict.status == 400


def test_where_nobody_is_left_the_policy_says_what_the_client_gets(
    gateway: Gateway, provider: Recording
) -> None:
    """The reply that nobody let pass, or a refusal, which is written down; it is paid anyway."""
    provider.answers = [says("1"), says("1")]
    gateway.run(lambda: setattr(gateway.pipeline, "frozen", frozenset({"deployment:big"})))

    kept = ask(gateway, chat(model="form", response_format=FORMAT))
    strict = ask(gateway, chat(model="strict", response_format=FORMAT))

    gateway.run(lambda: setattr(gateway.pipeline, "frozen", frozenset()))
    assert said(kept) == "1"
    assert (strict.status, strict.code) == (502, "cascade_exhausted")
    refused = [each for each in gateway.refusals() if each.call == call_of(strict)]
    assert [each.code for each in refused] == ["cascade_exhausted"]
    (end,) = gateway.ends(call_of(strict))
    assert isinstance(end, SettleRecord)
    assert end.amount_nanos > 0
    assert not end.final


def test_two_that_agree_are_believed(gateway: Gateway, provider: Recording) -> None:
    """The second is compared with the first, however it is written; else the third is asked."""
    provider.answers = [says("Forty  two."), says("forty two"), says("1"), says("2"), says("3")]

    agreed = ask(gateway, chat(model="alike"))
    differed = ask(gateway, chat(model="alike"))

    assert (said(agreed), said(differed)) == ("forty two", "3")
    assert agreed.header("x-headgate-cascade") == "2/3"
    assert differed.header("x-headgate-cascade") == "3/3"
    assert len(paid(gateway, agreed)) == 2
    assert sum(paid(gateway, differed)) == cost(differed)


def test_a_judge_is_held_and_paid_as_part_of_the_call(
    gateway: Gateway, provider: Recording
) -> None:
    """It reads question, answer and rubric; FAIL, and whatever is unclear, asks the next step."""
    provider.answers = [says("7"), says("PASS"), says("seven"), says("Hm, FAIL."), says("8")]

    passed = ask(gateway, chat("how many?", model="judged"))
    failed = ask(gateway, chat("how many?", model="judged"))

    assert (said(passed), said(failed)) == ("7", "8")
    assert passed.header("x-headgate-cascade") == "1/2"
    assert passed.header("x-headgate-deployment") == "mini"
    assert asked(provider) == [MINI, MINI, MINI, MINI, BIG]
    deployments = [route.deployment for route in gateway.routes(call_of(failed))]
    assert deployments == ["mini", "referee", "big"]
    for text in ("how many?", "It is a number.", "7"):
        assert text in json.dumps(provider.bodies[1])
    assert (sum(paid(gateway, passed)), sum(paid(gateway, failed))) == (cost(passed), cost(failed))


def test_a_reported_failure_has_the_session_begin_further_on(
    gateway: Gateway, provider: Recording
) -> None:
    """Until something good is reported; others' sessions and others' calls are not touched."""
    provider.answers = [says("a"), says("b"), says("c"), says("d")]
    session = ("x-headgate-session", "task")

    first = ask(gateway, chat(model="tried"), headers=[session])
    before = decision(gateway, "tried").inputs.get("cascade.bad_accepted", 0)
    bad = ("x-headgate-outcome", f"{call_of(first)}=bad;source=tests")
    second = ask(gateway, chat(model="tried"), headers=[session, bad])
    other = ask(gateway, chat(model="tried"))
    good = ("x-headgate-outcome", f"{call_of(second)}=good;source=tests")
    third = ask(gateway, chat(model="tried"), headers=[session, good])

    served = [each.header("x-headgate-deployment") for each in (first, second, other, third)]
    assert served == ["mini", "big", "mini", "mini"]
    assert decision(gateway, "tried").inputs["cascade.bad_accepted"] == before + 1


def test_a_vote_counts_once_and_only_of_whoever_called(
    gateway: Gateway, provider: Recording
) -> None:
    """However it comes; others' votes, and those on calls that nobody knows, come to nothing."""
    provider.answers = [says("a"), says("b")]
    session = ("x-headgate-session", "voted")
    first = call_of(ask(gateway, chat(model="tried"), headers=[session]))
    cascading = gateway.pipeline.cascading
    assert cascading is not None

    before = decision(gateway, "tried").inputs.get("cascade.bad_accepted", 0)
    posted = json.dumps({"call": first, "verdict": "bad"})
    for principal in ("bob", "alice", "alice"):
        gateway.run(partial(cascading.runs.hear_posted, principal, posted))
    gateway.run(partial(cascading.runs.hear_posted, "alice", '{"run": "r", "score": 0.5}'))
    second = ask(gateway, chat(model="tried"), headers=[session])

    assert second.header("x-headgate-deployment") == "big"
    assert decision(gateway, "tried").inputs["cascade.bad_accepted"] == before + 1


def test_it_switches_itself_off_when_nothing_passes(start: Start, provider: Recording) -> None:
    """What the cheap model costs is then wasted; the decision says so, and only probes ask it."""
    gateway = start(openai_url=provider.server.url, more=MORE)
    body = chat(model="probing", response_format=FORMAT)

    def cascaded() -> bool:
        provider.answers[:] = [
            says("no", tokens=100),
            says('{"answer": 1}', model=BIG, tokens=100),
        ]
        provider.bodies.clear()
        return ask(gateway, body).header("x-headgate-cascade") is not None

    calls = 1
    while cascaded():
        calls += 1
        assert calls < 60

    told = decision(gateway, "probing").notes["cascade"]
    assert told == "off: mini -> big costs no less than the best one alone"
    assert asked(provider) == [BIG]
    # One call in 32 probes, and one probe is all that so little money pays for.
    again = [cascaded() for _ in range(64)]
    assert sum(again) == 1
    notes = [each.notes for each in decisions(gateway, "probing")]
    assert sum("cascade.probe_nanos" in note for note in notes) == 1


def test_a_step_that_cannot_be_held_ends_with_the_reply_so_far(
    start: Start, provider: Recording
) -> None:
    """The budget is enough for the cheap model, not for the dear one as well."""
    budget = '[budgets.small]\nnode = "principal:alice"\nperiod = "month"\nlimit_usd = "0.002"\n'
    gateway = start(openai_url=provider.server.url, more=MORE + budget)
    provider.answers = [says("no")] * 2

    kept = ask(gateway, chat(model="form", response_format=FORMAT))

    assert said(kept) == "no"
    assert asked(provider) == [MINI]


def test_the_official_client_sees_one_answer(start: Start, simulator: Simulator) -> None:
    """Two that say the same by the simulator's script; and one that fails by its faults."""
    gateway = start(more=MORE)
    url = f"http://127.0.0.1:{gateway.port}/v1"
    message: Any = [{"role": "user", "content": 'Say it. [say "42"]'}]
    with openai.OpenAI(api_key=ALICE, base_url=url, max_retries=0) as client:
        raw = client.chat.completions.with_raw_response.create(model="alike", messages=message)
        simulator.faults.add(Fault(FaultKind.NONSENSE, times=1))
        failed = client.chat.completions.with_raw_response.create(model="form", messages=message)

    assert raw.parse().choices[0].message.content == "42"
    assert raw.headers["x-headgate-cascade"] == "2/3"
    assert failed.parse().choices[0].message.content == "42"
    assert failed.headers["x-headgate-cascade"] == "2/2"


def test_a_judge_that_fails_lets_nothing_pass(gateway: Gateway, provider: Recording) -> None:
    """Its error is not the client's: the next step is asked."""
    refused = whole(b'{"error": {"message": "no", "type": "x"}}', status=400)
    provider.answers = [says("7"), refused, says("8", model=BIG)]

    reply = ask(gateway, chat("how many?", model="judged"))

    assert said(reply) == "8"
    assert asked(provider) == [MINI, MINI, BIG]
    assert sum(paid(gateway, reply)) == cost(reply)


def test_a_judge_sees_nothing_that_it_may_not(start: Start, provider: Recording) -> None:
    """What is required of who serves a call is required of its judge; the next step is asked."""
    elsewhere = MORE.replace("[deployments.referee]", '[deployments.referee]\nregion = "us"')
    gateway = start(openai_url=provider.server.url, more=elsewhere, deployment='region = "eu"')
    provider.answers = [says("7"), says("8", model=BIG)]

    reply = ask(gateway, chat("how many?", model="judged"))

    assert said(reply) == "8"
    assert asked(provider) == [MINI, BIG]


def test_where_nobody_would_verify_the_best_one_serves(
    gateway: Gateway, provider: Recording
) -> None:
    """A policy that only takes the order of a cascade does not get the cheap model first."""
    provider.answers = [says("no", model=BIG)]

    reply = ask(gateway, chat(model="curious", response_format=FORMAT))

    assert asked(provider) == [BIG]
    assert reply.header("x-headgate-cascade") is None


def test_what_a_broken_attempt_is_posted_at_is_told_as_well(
    gateway: Gateway, provider: Recording
) -> None:
    """Nobody knows what it cost, so its bound is posted, and is in the sum that the client sees."""
    cut = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n<h1>no</h"
    provider.answers = [cut, says('{"answer": 1}', model=BIG)]

    reply = ask(gateway, chat(model="form", response_format=FORMAT))

    assert said(reply) == '{"answer": 1}'
    assert sum(paid(gateway, reply)) == cost(reply)
    assert paid(gateway, reply)[0] > 0


def test_another_dialects_client_is_served_and_judged_alike(
    start: Start, simulator: Simulator
) -> None:
    """Steps and judge speak what they speak; an unclear judge asks the next step."""
    gateway = start(more=MORE)
    url = f"http://127.0.0.1:{gateway.port}"
    message: Any = [{"role": "user", "content": "How many?"}]
    with anthropic.Anthropic(api_key=ALICE, base_url=url, max_retries=0) as client:
        raw = client.messages.with_raw_response.create(
            model="judged", max_tokens=50, messages=message
        )

    assert raw.parse().content[0].type == "text"
    assert raw.headers["x-headgate-cascade"] == "2/2"
    routes = gateway.routes(raw.headers["x-headgate-call"])
    assert [(each.deployment, each.via) for each in routes] == [
        ("mini", "openai_chat"),
        ("referee", "openai_chat"),
        ("big", "openai_chat"),
    ]
