"""Requests and tokens a minute: who may take how many, what is told of it, and what goes back."""

import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import anthropic
import openai
import pytest

from headgate.identity.delegation import mint
from headgate.identity.grant import Asked
from headgate.records.approval import Told
from headgate.simulator import Fault, FaultKind, ProviderName, Simulator
from tests.gateway.calls import ALICE, MESSAGES_PATH, ask, call_of, chat, message, request
from tests.gateway.conftest import Start
from tests.gateway.hedges import body, hedged
from tests.gateway.inprocess import Gateway
from tests.gateway.test_failover import served
from tests.gateway.wire import Reply, Wire

DORA = "hg_dora_0123456789abcdef0123456789abcdef"
SPAN = re.compile(r"(?:\d+m)?\d+(?:\.\d{1,3})?s|\d+ms")


def dora(*, key: str = "", principal: str = "", team: str = "", above: str = "") -> str:
    """Return a caller with limits: lines of her key, herself, her team and the one above it."""
    return f"""
[teams.lab]
{above}
[teams.bench]
parent = "lab"
{team}
[principals.dora]
team = "bench"
{principal}
[keys.dora]
principal = "dora"
secret = {{ value = "{DORA}" }}
{key}
"""


def ask_as_dora(gateway: Gateway, text: str = "hello", **fields: Any) -> Reply:
    """Make a call of hers in Chat Completions."""
    return ask(gateway, chat(text, **fields), key=DORA)


def numbers(reply: Reply, what: str) -> tuple[int, int]:
    """Return limit and rest that a reply tells in OpenAI's headers; the time has their form."""
    limit, left, reset = (
        reply.header(f"x-ratelimit-{each}-{what}") for each in ("limit", "remaining", "reset")
    )
    assert limit is not None
    assert left is not None
    assert reset is not None
    assert SPAN.fullmatch(reset), reset
    return int(limit), int(left)


def test_who_has_made_a_minutes_calls_waits_for_the_next(start: Start) -> None:
    """The refusal names the limit and when; nothing is held for it, and the books have it."""
    gateway = start(more=dora(principal="requests_per_minute = 3"))

    served = [ask_as_dora(gateway) for _ in range(3)]
    refused = ask_as_dora(gateway)

    assert [each.status for each in served] == [200] * 3
    assert (refused.status, refused.code) == (429, "rate_limit_reached")
    seconds = refused.header("retry-after")
    assert seconds is not None
    assert 15 <= int(seconds) <= 20
    assert refused.header("x-should-retry") == "true"
    assert refused.message.startswith("principal:dora may take 3 requests a minute.")
    assert f"in {seconds} s" in refused.message
    assert gateway.holds(call_of(refused)) == []
    (written,) = gateway.refusals()
    assert (written.call, written.code) == (call_of(refused), "rate_limit_reached")
    assert written.message == refused.message


@pytest.mark.parametrize("level", ["key", "principal", "team", "above"])
def test_every_level_counts(start: Start, level: str) -> None:
    """The tightest of them refuses, and is named."""
    lines = dict.fromkeys(("key", "principal", "team", "above"), "requests_per_minute = 9")
    lines[level] = "requests_per_minute = 2"
    gateway = start(more=dora(**lines))

    statuses = [ask_as_dora(gateway).status for _ in range(2)]
    refused = ask_as_dora(gateway)

    names = {"key": "key:dora", "principal": "principal:dora", "team": "team:bench"}
    assert statuses == [200, 200]
    assert refused.code == "rate_limit_reached"
    assert refused.message.startswith(names.get(level, "team:lab") + " may take 2 ")


def test_a_refused_call_takes_nothing_of_any_limit(start: Start) -> None:
    """The team's limit is not used up by calls that the key's refuses."""
    gateway = start(
        more=dora(key="requests_per_minute = 1", team="requests_per_minute = 4")
        + f"""
[keys.other]
principal = "dora"
secret = {{ value = "{DORA}-other" }}
"""
    )
    assert [ask_as_dora(gateway).status for _ in range(4)] == [200, 429, 429, 429]

    others = [ask(gateway, chat(), key=f"{DORA}-other").status for _ in range(4)]

    assert others == [200, 200, 200, 429]


def test_whoever_has_no_limit_is_told_of_none(start: Start) -> None:
    """And is told what the provider says of its own, as ever."""
    gateway = start(more=dora(key="requests_per_minute = 1000"))

    reply = ask(gateway, chat(), key=ALICE)

    assert reply.header("x-ratelimit-limit-requests") == "30000"


def test_a_call_is_counted_at_what_it_may_take_until_it_ends(
    start: Start, simulator: Simulator
) -> None:
    """While it runs another one finds no room; what it did not take is there again afterwards."""
    gateway = start(more=dora(team="tokens_per_minute = 6000"))
    simulator.gate.close()
    with Wire(gateway.port) as wire:
        wire.send(request(chat(max_completion_tokens=5000), key=DORA))
        assert simulator.gate.wait(1, 5)
        refused = ask_as_dora(gateway, max_completion_tokens=5000)
        simulator.gate.release()
        served = wire.read()

    assert (refused.status, refused.code) == (429, "rate_limit_reached")
    assert (
        "team:bench may take 6000 tokens a minute; this call may take about 50" in refused.message
    )
    limit, left = numbers(refused, "tokens")
    assert limit == 6000
    assert left <= 1500
    usage = served.json["usage"]["total_tokens"]
    assert numbers(served, "tokens")[1] >= 6000 - usage - 1
    assert ask_as_dora(gateway, max_completion_tokens=5000).status == 200


def test_a_stream_gives_back_what_it_did_not_take(start: Start) -> None:
    """Its usage is known at its end; its head has told what was left when it began."""
    gateway = start(more=dora(key="tokens_per_minute = 6000"))

    stream = ask_as_dora(gateway, max_completion_tokens=5000, stream=True)
    gateway.until_idle()
    after = ask_as_dora(gateway, max_completion_tokens=5000)

    assert numbers(stream, "tokens")[1] <= 1500
    assert after.status == 200


def test_more_than_was_expected_has_to_be_refilled(start: Start) -> None:
    """Without an output limit a call is expected to be short; what it took beyond is lacking."""
    gateway = start(more=dora(key="tokens_per_minute = 1000"))
    body = chat("[sim:tokens=3000] hello")
    del body["max_completion_tokens"]

    served = ask(gateway, body, key=DORA)
    refused = ask_as_dora(gateway, max_completion_tokens=10)

    assert served.status == 200
    assert numbers(served, "tokens")[1] == 0
    assert refused.code == "rate_limit_reached"
    assert int(refused.header("retry-after") or 0) > 100


def test_a_call_larger_than_a_minute_is_refused_for_good(start: Start) -> None:
    """With a code of its own, for to wait would not help; a smaller one is served."""
    gateway = start(more=dora(principal="tokens_per_minute = 1000"))

    refused = ask_as_dora(gateway, max_completion_tokens=5000)

    assert (refused.status, refused.code) == (422, "rate_limit_too_small")
    assert refused.header("retry-after") is None
    assert refused.header("x-should-retry") == "false"
    assert "principal:dora may take 1000 a minute" in refused.message
    assert ask_as_dora(gateway, max_completion_tokens=500).status == 200


def test_a_call_that_fails_takes_no_tokens(start: Start, simulator: Simulator) -> None:
    """The request was made all the same."""
    gateway = start(more=dora(key="tokens_per_minute = 6000\nrequests_per_minute = 10"))
    simulator.faults.add(Fault(FaultKind.NOT_FOUND, provider=ProviderName.OPENAI, times=1))

    failed = ask_as_dora(gateway, max_completion_tokens=5000)

    assert failed.status == 404
    assert numbers(failed, "tokens")[1] >= 5999
    assert numbers(failed, "requests") == (10, 9)


def test_a_call_that_budgets_refuse_takes_no_tokens(start: Start) -> None:
    """Its refusal tells how the limits stand, before it gives its tokens back."""
    budget = '[budgets.poor]\nnode = "key:dora"\nlimit_usd = "0.000001"\n'
    gateway = start(more=dora(key="tokens_per_minute = 6000") + budget)

    refused = [ask_as_dora(gateway, max_completion_tokens=5000).code for _ in range(3)]

    assert refused == ["budget_exceeded"] * 3


def test_a_client_that_leaves_the_queue_leaves_its_tokens(
    start: Start, simulator: Simulator
) -> None:
    """What was never sent took none."""
    gateway = start(deployment="concurrency_max = 1", more=dora(key="tokens_per_minute = 6000"))
    simulator.gate.close()
    with Wire(gateway.port) as first:
        first.send(request(chat(), key=ALICE))
        assert simulator.gate.wait(1, 5)
        with Wire(gateway.port) as wire:
            wire.send(request(chat(max_completion_tokens=5000), key=DORA))
            gateway.until(lambda: len(gateway.pipeline.exchanges) == 2, "hers waits")
        gateway.until(lambda: len(gateway.pipeline.exchanges) == 1, "she is gone")
        simulator.gate.release()
        first.read()

    assert ask_as_dora(gateway, max_completion_tokens=5000).status == 200


def test_a_call_that_is_given_a_kept_reply_takes_no_tokens(
    start: Start, simulator: Simulator
) -> None:
    """Nobody was asked anything for it; the request counts."""
    gateway = start(more=dora(key="tokens_per_minute = 6000\nrequests_per_minute = 10") + CACHED)
    body = chat(model="kept", max_completion_tokens=5000)
    assert ask(gateway, body, key=DORA).status == 200
    gateway.until_idle()
    billed = simulator.bill.count

    again = [ask(gateway, body, key=DORA) for _ in range(4)]

    assert [each.status for each in again] == [200] * 4
    assert numbers(again[-1], "requests") == (10, 5)
    assert simulator.bill.count == billed
    assert numbers(ask_as_dora(gateway), "requests")[1] <= 5


CACHED = """
[routes.kept]
deployments = ["mini"]
response_cache = "always"
"""


def test_a_delegation_counts_on_the_key_above_it(start: Start) -> None:
    """Who delegates cannot make limits anew."""
    gateway = start(more=dora(key="requests_per_minute = 2"))
    assert ask_as_dora(gateway).status == 200

    token = mint(DORA, "dora", Asked("helper"))

    assert ask(gateway, chat(), key=token).status == 200
    assert ask(gateway, chat(), key=token).code == "rate_limit_reached"


def test_clients_of_one_dialect_are_told_in_theirs(start: Start) -> None:
    """Replies, streams and refusals have the same six headers, and the provider's are left out."""
    gateway = start(more=dora(key="requests_per_minute = 3\ntokens_per_minute = 100000"))
    before = datetime.now(UTC)

    replies = [ask(gateway, message(), MESSAGES_PATH, key=DORA)]
    replies += [ask(gateway, message(stream=True), MESSAGES_PATH, key=DORA)]
    replies += [ask(gateway, message(), MESSAGES_PATH, key=DORA) for _ in range(2)]

    assert [each.status for each in replies] == [200, 200, 200, 429]
    for number, each in enumerate(replies, 1):
        prefix = "anthropic-ratelimit-requests"
        assert each.header(f"{prefix}-limit") == "3"
        assert each.header(f"{prefix}-remaining") == str(max(0, 3 - number))
        at = datetime.fromisoformat(each.header(f"{prefix}-reset") or "")
        assert before < at <= datetime.now(UTC) + timedelta(seconds=62)
        assert each.header("anthropic-ratelimit-tokens-limit") == "100000"
        assert each.header("anthropic-ratelimit-input-tokens-limit") is None
        assert each.header("x-ratelimit-limit-requests") is None


def test_openai_s_client_reads_its_headers_and_raises_its_error(start: Start) -> None:
    """From a reply, from a stream, and from the refusal, which it would repeat after a while."""
    gateway = start(more=dora(key="requests_per_minute = 2\ntokens_per_minute = 90000"))
    with openai.OpenAI(
        api_key=DORA, base_url=f"http://127.0.0.1:{gateway.port}/v1", max_retries=0
    ) as client:
        create = client.chat.completions.with_raw_response.create
        whole = create(**chat())
        stream = create(**chat(stream=True))
        text = list(stream.parse())
        with pytest.raises(openai.RateLimitError) as raised:
            client.responses.create(model="mini", input="hello", max_output_tokens=50)

    assert text
    assert whole.headers["x-ratelimit-remaining-requests"] == "1"
    assert stream.headers["x-ratelimit-remaining-requests"] == "0"
    assert stream.headers["x-ratelimit-limit-tokens"] == "90000"
    assert raised.value.code == "rate_limit_reached"
    assert raised.value.response.headers["x-ratelimit-limit-requests"] == "2"
    assert int(raised.value.response.headers["retry-after"]) > 20


def test_anthropic_s_client_reads_its_headers_and_raises_its_error(start: Start) -> None:
    """The same in the other dialect."""
    gateway = start(more=dora(key="requests_per_minute = 2"))
    with anthropic.Anthropic(
        api_key=DORA, base_url=f"http://127.0.0.1:{gateway.port}", max_retries=0
    ) as client:
        whole = client.messages.with_raw_response.create(**message())
        with client.messages.stream(**message()) as stream:
            left = stream.response.headers["anthropic-ratelimit-requests-remaining"]
            text = "".join(stream.text_stream)
        with pytest.raises(anthropic.RateLimitError) as raised:
            client.messages.create(**message())

    assert text
    assert whole.headers["anthropic-ratelimit-requests-remaining"] == "1"
    assert left == "0"
    assert raised.value.response.headers["anthropic-ratelimit-requests-limit"] == "2"
    assert int(raised.value.response.headers["retry-after"]) > 20


def test_a_limited_client_that_tries_again_is_served(start: Start) -> None:
    """The official client waits for `retry-after` by itself."""
    gateway = start(more=dora(key="requests_per_minute = 20"))
    with openai.OpenAI(
        api_key=DORA, base_url=f"http://127.0.0.1:{gateway.port}/v1", max_retries=5
    ) as client:
        for _ in range(21):
            client.chat.completions.create(**chat())

    assert {each.code for each in gateway.refusals()} == {"rate_limit_reached"}


def test_a_hedged_call_counts_once_with_the_tokens_of_both_attempts(
    start: Start, simulator: Simulator, slow: Simulator
) -> None:
    """It is one request; what it did not take is given back when both are over."""
    gateway = start(
        more=hedged(slow.openai_url) + dora(key="requests_per_minute = 1\ntokens_per_minute = 6000")
    )

    asked = [{"role": "user", "content": "[sim:tokens=2000] hello"}]
    reply = ask(gateway, body(max_completion_tokens=5000, messages=asked), key=DORA)
    slow.gate.release()
    gateway.until_idle()

    assert served(reply) == "big"
    both = sum(each.bill.entries[-1].usage.prompt for each in (simulator, slow))
    both += sum(each.bill.entries[-1].usage.output for each in (simulator, slow))
    _, tokens = gateway.pipeline.world.minutes.book.of(["key:dora"])
    lacks = gateway.run(lambda: tokens.bucket.lacks(time.time_ns()))
    assert both > 4000
    assert 2000 < lacks <= both


def test_a_call_that_waited_for_a_person_is_counted_once(start: Start) -> None:
    """When it came; it is routed anew once it is approved, with nothing left for another one."""
    rule = '[approvals.all]\nover_usd = "0"\napprovers = ["bob"]\n'
    gateway = start(more=dora(key="requests_per_minute = 1") + rule)

    def approve() -> None:
        pipeline = gateway.pipeline
        (exchange,) = pipeline.exchanges
        assert pipeline.approvals is not None
        assert exchange.permission is not None
        asked = exchange.permission
        shown = asked.asking.shown.quote_nanos
        told = Told(asked.approval, exchange.call, "used", shown)
        pipeline.approvals.told(told)

    with Wire(gateway.port) as wire:
        wire.send(request(chat(), key=DORA))
        gateway.until(lambda: len(gateway.pipeline.exchanges) == 1, "she waits")
        gateway.run(approve)
        served = wire.read()

    assert served.status == 200
    assert numbers(served, "requests") == (1, 0)
