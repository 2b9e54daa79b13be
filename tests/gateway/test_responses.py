"""The response cache on the way of a call: what is given again, to whom, and what the books say."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from headgate.records.journal import CacheNote, SettleRecord
from headgate.simulator import Fault, FaultKind, Simulator
from tests.gateway.asking_again import (
    CACHE,
    CAROL,
    CAROLS,
    TOO,
    emptied,
    keeping,
    kept,
    send,
    told,
)
from tests.gateway.calls import ALICE, BOB, MESSAGES_PATH, ask, call_of, message
from tests.gateway.cascades import FORMAT
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway


@pytest.fixture(scope="module")
def running(
    running_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """A gateway with routes that keep replies."""
    yield from keeping(running_simulator, tmp_path_factory.mktemp("responses"))


@pytest.fixture
def gateway(running: Gateway, simulator: Simulator) -> Iterator[Gateway]:
    """The gateway, with nothing kept; afterwards everything is settled and everybody well."""
    yield from emptied(running)


def test_the_same_question_gets_the_same_reply_for_nothing(
    gateway: Gateway, simulator: Simulator
) -> None:
    """Nothing is sent and nothing held; the books name the first call, and what it cost."""
    first = send(gateway, kept())
    cost = gateway.ends(call_of(first))[-1]
    billed = simulator.bill.count

    again = send(gateway, kept())

    assert (told(first), told(again)) == ("miss", "hit")
    assert again.payload == first.payload
    assert simulator.bill.count == billed
    assert call_of(again) != call_of(first)
    assert again.header("x-headgate-cost-usd") == "0.000000000"
    assert again.header("x-headgate-deployment") == "mini"
    (hold,), (end,) = gateway.holds(call_of(again)), gateway.ends(call_of(again))
    assert isinstance(cost, SettleRecord)
    assert isinstance(end, SettleRecord)
    assert (hold.amount_nanos, end.amount_nanos, end.state) == (0, 0, "measured")
    assert end.cache == CacheNote(saved_nanos=cost.amount_nanos, given_from=call_of(first))
    assert cost.amount_nanos > 0


@pytest.mark.parametrize("path", ["/v1/chat/completions", MESSAGES_PATH])
def test_streams_are_given_again_event_for_event(gateway: Gateway, path: str) -> None:
    """With the framing of a reply whose length is known."""
    fields = {"stream": True}
    body = kept(**fields) if path != MESSAGES_PATH else message(model="kept-haiku", **fields)

    first, again = send(gateway, body, path), send(gateway, body, path)

    assert (told(first), told(again)) == ("miss", "hit")
    assert first.payload == again.payload
    assert first.header("transfer-encoding") == "chunked"
    assert again.header("content-length") == str(len(first.payload))
    assert again.header("content-type") == first.header("content-type")


def test_the_official_client_reads_a_stream_that_is_given_again(gateway: Gateway) -> None:
    """Whole, with its usage."""
    client = openai.OpenAI(base_url=f"http://127.0.0.1:{gateway.port}/v1", api_key=ALICE)

    def read() -> tuple[str, int]:
        stream = client.chat.completions.create(
            model="kept",
            messages=[{"role": "user", "content": "count"}],
            stream=True,
            stream_options={"include_usage": True},
        )
        chunks = list(stream)
        text = "".join(each.choices[0].delta.content or "" for each in chunks if each.choices)
        assert chunks[-1].usage is not None
        return text, chunks[-1].usage.total_tokens

    with client:
        first, again = read(), read()

    assert first == again
    assert first[0]


@pytest.mark.parametrize(
    "other",
    [
        kept("hello!"),
        kept(temperature=0.5),
        kept(max_completion_tokens=99),
        kept(stream=True),
        kept(n=2),
        dict(reversed(kept().items())),
    ],
    ids=["prompt", "sampling", "limit", "stream", "choices", "order"],
)
def test_whatever_differs_is_another_question(gateway: Gateway, other: dict[str, Any]) -> None:
    """The order of keys as well: models see some of it."""
    send(gateway, kept())

    assert told(send(gateway, other)) == "miss"


def test_blanks_between_tokens_make_no_difference(gateway: Gateway) -> None:
    """Clients write JSON in several ways."""
    send(gateway, kept("two  blanks"))

    assert told(send(gateway, json.dumps(kept("two  blanks"), indent=3).encode())) == "hit"


def test_nobody_else_gets_it(gateway: Gateway) -> None:
    """Another key of the same principal does, another principal of the same team does not."""
    send(gateway, kept())

    assert told(send(gateway, kept(), key=CAROL)) == "miss"
    assert told(send(gateway, kept(), key=TOO)) == "hit"


def test_a_key_that_may_not_use_the_route_is_refused(gateway: Gateway) -> None:
    """The cache comes behind what is permitted."""
    send(gateway, kept())

    assert ask(gateway, kept(), key=BOB).status == 403


def test_a_client_decides_for_a_call(gateway: Gateway) -> None:
    """`bypass`, or anything unknown, neither gets nor keeps; `refresh` asks anew and keeps."""
    assert told(send(gateway, kept(), said="bypass")) == "bypass"
    assert told(send(gateway, kept())) == "miss"
    assert told(send(gateway, kept(), said="no-store")) == "bypass"
    refreshed = send(gateway, kept(), said="refresh")
    assert told(refreshed) == "miss"

    end = gateway.ends(call_of(send(gateway, kept())))[-1]

    assert isinstance(end, SettleRecord)
    assert end.cache is not None
    assert end.cache.given_from == call_of(refreshed)


def test_a_route_may_wait_to_be_asked(gateway: Gateway) -> None:
    """Without the header such a call has nothing to do with the cache."""
    body = kept(model="asked")
    assert [told(send(gateway, body)) for _ in range(2)] == [None, None]

    assert [told(send(gateway, body, said="use")) for _ in range(2)] == ["miss", "hit"]


def test_tools_are_left_alone_unless_the_client_asks(gateway: Gateway) -> None:
    """Who gets a call of a tool again makes it again."""
    tools = [{"type": "function", "function": {"name": "pay", "parameters": {"type": "object"}}}]
    body = kept(tools=tools)

    assert [told(send(gateway, body)) for _ in range(2)] == ["bypass", "bypass"]
    assert [told(send(gateway, body, said="use")) for _ in range(2)] == ["miss", "hit"]


@pytest.mark.parametrize("part", [{"previous_response_id": "resp_1"}, {"conversation": "conv_1"}])
def test_a_prompt_that_lies_elsewhere_is_left_alone(gateway: Gateway, part: dict[str, str]) -> None:
    """A conversation that the provider keeps is another one after each call."""
    body = {"model": "kept", "input": "go on", "max_output_tokens": 50, **part}

    assert told(ask(gateway, body, "/v1/responses")) == "bypass"


def test_a_cascade_sees_every_call(gateway: Gateway) -> None:
    """Its policy learns from each."""
    body = kept(model="steps", response_format=FORMAT)

    assert [told(send(gateway, body)) for _ in range(2)] == ["bypass", "bypass"]


def test_data_that_may_not_be_kept_is_not(gateway: Gateway) -> None:
    """A requirement on how long providers keep data holds for the cache."""
    secret = [("x-headgate-data-class", "secret")]

    assert told(send(gateway, kept(), headers=secret)) == "bypass"
    assert told(send(gateway, kept())) == "miss"
    assert told(send(gateway, kept(), headers=secret)) == "bypass"


def test_a_call_with_an_idempotency_key_goes_by(gateway: Gateway) -> None:
    """It has a memory of its own; this steward knows no keys and refuses it."""
    send(gateway, kept())

    reply = ask(gateway, kept(), headers=[("idempotency-key", "once")])

    assert reply.header(CACHE) is None


def test_what_broke_off_is_not_kept(gateway: Gateway, simulator: Simulator) -> None:
    """Neither a stream that was cut nor an error."""
    simulator.faults.add(Fault(FaultKind.CUT, times=1))
    cut = send(gateway, kept(stream=True))
    assert told(cut) == "miss"

    assert told(send(gateway, kept(stream=True))) == "miss"


def test_what_is_too_long_is_not_kept(gateway: Gateway) -> None:
    """Here beyond 20,000 bytes."""
    body = kept("Go on. [sim:tokens=200]", stream=True, max_completion_tokens=200)
    first = send(gateway, body)
    assert len(first.payload) > 20_000

    assert told(send(gateway, body)) == "miss"


def test_a_purge_forgets_everything_once(gateway: Gateway) -> None:
    """Being told of the same purge again changes nothing."""
    responses = gateway.pipeline.responses
    assert responses is not None
    send(gateway, kept())
    gateway.run(lambda: responses.purge(7))
    assert told(send(gateway, kept())) == "miss"

    gateway.run(lambda: responses.purge(7))

    assert told(send(gateway, kept())) == "hit"


def test_nothing_is_given_of_what_is_frozen(gateway: Gateway) -> None:
    """A freeze of the deployment holds for its kept replies."""
    send(gateway, kept())
    gateway.pipeline.frozen = frozenset({"deployment:mini"})
    try:
        assert ask(gateway, kept()).status != 200
    finally:
        gateway.pipeline.frozen = frozenset()


def test_a_team_may_share_and_no_other_team_gets_it(start: Start) -> None:
    """Carol is in alice's team, dave is not."""
    dave = "hg_dave_0123456789abcdef0123456789abcdef"
    route = '[routes.kept]\ndeployments = ["mini"]\nresponse_cache = "always"\n'
    other = '[teams.sales]\n[principals.dave]\nteam = "sales"\n[keys.dave]\nprincipal = "dave"\n'
    other += f'secret = {{ value = "{dave}" }}\n'
    gateway = start(more=f'{route}{CAROLS}{other}[response_cache]\nshared = "team"\n')
    send(gateway, kept())

    assert told(send(gateway, kept(), key=CAROL)) == "hit"
    assert told(send(gateway, kept(), key=dave)) == "miss"
