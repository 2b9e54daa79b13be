"""Budgets of every kind over HTTP: tags, keys, models, providers, shadows; exact at each level."""

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack

import openai
import pytest
from openai import OpenAI

from headgate.ledger.fold import Known
from headgate.records.journal import CallerRecord
from headgate.simulator import Fault, FaultKind, Simulator
from headgate.store.journal_reader import JournalReader
from headgate.units.money import format_usd
from tests.gateway.calls import ALICE, ask, call_of, chat, request
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway, fold_on
from tests.gateway.wire import Wire

TAGGED = "hg_tagged_0123456789abcdef0123456789abcdef"
KEY = f"""
[keys.tagged]
principal = "alice"
secret = {{ value = "{TAGGED}" }}
tags = {{ project = "apollo" }}
tags_allowed = ["feature=*", "stage=test"]
"""
CAROL = "hg_carol_0123456789abcdef0123456789abcdef"
NESTED = f"""
[teams.platform]
[teams.search]
parent = "platform"
[teams.ranking]
parent = "search"
[principals.carol]
team = "ranking"
[keys.carol]
principal = "carol"
secret = {{ value = "{CAROL}" }}
"""


@pytest.fixture(scope="module")
def hold_nanos(running_gateway: Gateway) -> int:
    """What is held for a call of `chat()`."""
    reply = ask(running_gateway, chat())
    (hold,) = running_gateway.holds(call_of(reply))
    return hold.amount_nanos


def budget(name: str, what: str, limit_nanos: int, *more: str) -> str:
    """Return the table of a one-off budget."""
    lines = [f"[budgets.{name}]", what, 'period = "once"', *more]
    return "\n".join([*lines, f'limit_usd = "{format_usd(limit_nanos)}"', ""])


def client(gateway: Gateway, key: str = ALICE) -> OpenAI:
    """Return the official client."""
    return OpenAI(base_url=f"http://127.0.0.1:{gateway.port}/v1", api_key=key, max_retries=0)


def say(to: OpenAI, model: str = "mini", **headers: str) -> None:
    """Make a call of the usual size."""
    messages = [{"role": "user", "content": "hello"}]
    to.chat.completions.create(
        model=model,
        messages=messages,  # type: ignore[arg-type]  # the client wants its own classes
        max_completion_tokens=100,
        extra_headers=headers,
    )


def refused_by(to: OpenAI, model: str = "mini", **headers: str) -> str:
    """Make a call that a budget refuses, and return what it says."""
    with pytest.raises(openai.APIStatusError) as caught:
        say(to, model, **headers)
    assert caught.value.status_code == 402
    return str(caught.value)


def callers(gateway: Gateway) -> list[CallerRecord]:
    """Return the callers that the journal names."""
    return [each for each in gateway.records() if isinstance(each, CallerRecord)]


@pytest.mark.parametrize("limited", [True, False])
def test_each_hold_is_the_caller_s_of_its_own_call(
    start: Start, hold_nanos: int, limited: bool
) -> None:
    """One key calls in runs and with tags in turn; nobody is held for who called before."""
    runs = budget("runs", 'node = "run:*"', 100 * hold_nanos) if limited else ""
    gateway = start(more=KEY + runs)
    said = [(run, tag) for run in (None, "one", "two") for tag in (None, "feature=a")]
    calls = {}
    for run, tag in [*said, *reversed(said), *(each for each in said for _ in range(2))]:
        told = {"x-headgate-run": run, "x-headgate-tag": tag}
        headers = [(name, text) for name, text in told.items() if text is not None]
        calls[call_of(ask(gateway, chat(), key=TAGGED, headers=headers))] = (run, tag)

    named = {each.number: each for each in callers(gateway)}
    for call, (run, tag) in calls.items():
        (hold,) = gateway.holds(call)
        caller = named[hold.caller]
        assert (caller.key, caller.run) == ("tagged", run)
        assert ("feature=a" in caller.tags) == (tag is not None)
        held = any(window.startswith("runs") for window in caller.windows)
        assert held == (limited and run is not None)
    assert len(named) == len(said)


def stampede(
    gateway: Gateway, simulator: Simulator, count: int, admitted: int, key: str = ALICE
) -> Counter[int]:
    """Send calls at once while the provider answers none; return how many had which status."""
    simulator.gate.close()
    with ExitStack() as stack:
        wires = [stack.enter_context(Wire(gateway.port)) for _ in range(count)]
        for wire in wires:
            wire.send(request(chat(), key=key))
        assert simulator.gate.wait(admitted, 5)
        gateway.until(
            lambda: len(gateway.pipeline.exchanges) == admitted, "the others were refused"
        )
        simulator.gate.release()
        return Counter(wire.read().status for wire in wires)


@pytest.mark.parametrize(
    "what",
    [
        'node = "key:carol"',
        'node = "principal:*"',
        'node = "model:gpt-5.4-*"',
        'node = "provider:openai"',
        'node = "deployment:*"',
        'node = "team:platform"',
        'on = { team = "search", model = "gpt-5.4-mini" }',
        'node = "organisation"\nperiod = "rolling"\nhours = 24',
    ],
)
def test_a_limit_that_fits_five_admits_five(
    start: Start, simulator: Simulator, hold_nanos: int, what: str
) -> None:
    """Of twelve calls at once, whatever the limit is on; teams above the caller's own as well."""
    limit = f'{what}\nlimit_usd = "{format_usd(6 * hold_nanos - 1)}"\n'
    gateway = start(more=f"{NESTED}[budgets.cap]\n{limit}")
    assert stampede(gateway, simulator, 12, 5, CAROL) == {200: 5, 402: 7}


def test_a_budget_on_a_model_is_about_calls_that_go_there(start: Start, hold_nanos: int) -> None:
    """The same key goes on with another model; the refusal names the budget."""
    gateway = start(more=budget("minis", 'node = "model:*-mini"', hold_nanos // 2))
    with client(gateway) as to:
        assert "Budget 'minis' refuses" in refused_by(to)
        say(to, "big")
        say(to, "haiku")


def test_a_call_that_moves_on_is_held_on_the_budgets_of_where_it_goes(
    start: Start, simulator: Simulator
) -> None:
    """Each attempt is on the budget of its own provider, and nothing stays on the first's."""
    route = '[routes.any]\ndeployments = ["mini", "haiku"]\npolicy = "ordered"\n'
    limits = budget("each", 'node = "provider:*"', 10**9)
    gateway = start(more=route + limits)
    simulator.faults.add(Fault(FaultKind.OVERLOADED, times=1, model="gpt-5.4-mini"))

    with client(gateway) as to:
        say(to, "any")

    windows = {record.windows[-1] for record in callers(gateway)}
    assert windows == {"each/openai@once", "each/anthropic@once"}
    batch = fold_on(JournalReader(gateway.directory), Known(iter(range(1, 99))))
    assert batch.movements["each/openai@once"].posted_nanos == 0
    assert batch.movements["each/anthropic@once"].posted_nanos > 0


def test_tags_are_the_keys_and_what_it_allows(start: Start, hold_nanos: int) -> None:
    """A budget on a tag is about calls with that tag; the books say what a call was tagged."""
    more = KEY + budget("search", 'node = "tag:feature=search"', 2 * hold_nanos - 1)
    more += budget("each", 'node = "tag:feature=*"', 100 * hold_nanos)
    gateway = start(more=more)
    with client(gateway, TAGGED) as to:
        say(to, **{"x-headgate-tag": "feature=search, stage=test"})
        while not _refused(to):
            pass
        say(to, **{"x-headgate-tag": "feature=chat"})
        say(to)
    tags = [record.tags for record in callers(gateway)]
    assert tags == [
        ("feature=search", "project=apollo", "stage=test"),
        ("feature=search", "project=apollo"),
        ("feature=chat", "project=apollo"),
        ("project=apollo",),
    ]
    assert [record.windows[0] for record in callers(gateway)] == [
        *("search@once", "search@once", "each/chat@once", "acme-month@" + _month(gateway)),
    ]


def _refused(to: OpenAI) -> bool:
    try:
        say(to, **{"x-headgate-tag": "feature=search"})
    except openai.APIStatusError as error:
        assert error.status_code == 402
        assert "Budget 'search' refuses" in str(error)
        return True
    return False


def _month(gateway: Gateway) -> str:
    (window,) = {name for record in callers(gateway) for name in record.windows if "acme" in name}
    return window.partition("@")[2]


@pytest.mark.parametrize(
    ("key", "told", "code"),
    [
        (ALICE, ["feature=search"], "tag_not_permitted"),
        (TAGGED, ["customer=acme"], "tag_not_permitted"),
        (TAGGED, ["stage=live"], "tag_not_permitted"),
        (TAGGED, ["project=gemini"], "tag_not_permitted"),
        (TAGGED, ["feature"], "tag_invalid"),
        (TAGGED, ["feature=a/b"], "tag_invalid"),
        (TAGGED, ["feature="], "tag_invalid"),
        (TAGGED, ["feature=one", "feature=two"], "tag_invalid"),
        (TAGGED, ["feature=" + "x" * 65], "tag_invalid"),
    ],
)
def test_a_tag_that_the_key_does_not_allow_is_refused(
    start: Start, key: str, told: Sequence[str], code: str
) -> None:
    """Nobody books a call on somebody else, and nothing reaches a provider."""
    gateway = start(more=KEY)
    headers = [("x-headgate-tag", each) for each in told]
    reply = ask(gateway, chat(), key=key, headers=headers)
    assert reply.header("x-headgate-code") == code
    assert not callers(gateway)
    allowed = [("X-Headgate-Tag", "project=apollo,feature=ok")]
    assert ask(gateway, chat(), key=TAGGED, headers=allowed).status == 200


def test_a_shadow_limit_refuses_nothing_and_counts_what_it_would_have(
    start: Start, simulator: Simulator, hold_nanos: int
) -> None:
    """Of twelve calls at once exactly those are waived that a hard limit would have refused."""
    shadow = budget("trial", 'node = "team:research"', 6 * hold_nanos - 1, 'mode = "shadow"')
    gateway = start(more=shadow)

    assert stampede(gateway, simulator, 12, 12) == {200: 12}

    batch = fold_on(JournalReader(gateway.directory), Known(iter(range(1, 99))))
    assert batch.waived["trial@once"].attempts == 7
    assert batch.waived["trial@once"].amount_nanos == 7 * hold_nanos
    assert {record.waived for record in callers(gateway)} == {(), ("trial@once",)}
    assert batch.movements["trial@once"].posted_nanos < 6 * hold_nanos


def test_a_hard_limit_beside_a_shadow_still_refuses(start: Start, hold_nanos: int) -> None:
    """The shadow is waived first, then the hard one is named."""
    limits = budget("trial", 'node = "key:alice"', 1, 'mode = "shadow"')
    gateway = start(more=limits + budget("real", 'node = "team:research"', hold_nanos // 2))
    with client(gateway) as to:
        assert "Budget 'real' refuses" in refused_by(to)


def test_a_shadow_does_not_keep_a_call_from_being_shortened(start: Start) -> None:
    """The hard limit decides what becomes of it, and the shadow is waived."""
    limits = budget("trial", 'node = "key:alice"', 1, 'mode = "shadow"')
    tight = budget("real", 'node = "team:research"', 10**7, 'on_tight = "shorten"')
    gateway = start(more=limits + tight)
    reply = ask(gateway, chat(max_completion_tokens=100_000))
    assert reply.status == 200, reply
    (hold,) = gateway.holds(call_of(reply))
    assert hold.amount_nanos <= 10**7
    assert [record.waived for record in callers(gateway)] == [("trial@once",)]


def test_a_budget_that_is_not_in_force_limits_nothing(start: Start) -> None:
    """Neither before it starts nor after it ended."""
    limits = budget("past", 'node = "organisation"', 1, "ends = 2026-01-01")
    gateway = start(
        more=limits + budget("future", 'node = "organisation"', 1, "starts = 2100-01-01")
    )
    with client(gateway) as to:
        say(to)
