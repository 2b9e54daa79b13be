"""Prompt caches on the way of a call: sessions stay warm, prefixes are marked, misses are named."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from headgate.records.journal import CacheNote, DecisionRecord, SettleRecord
from headgate.simulator import Fault, FaultKind, Simulator
from tests.gateway.calls import CHAT_PATH, MESSAGES_PATH, ask, call_of, config
from tests.gateway.inprocess import Gateway
from tests.gateway.wire import Reply

SESSION = "x-headgate-session"
ACCOUNTS = """
[providers.second]
kind = "anthropic"
base_url = "{url}"
seller = "anthropic"
credential = {{ value = "sk-ant-second" }}
[deployments.sonnet-2]
provider = "second"
model = "claude-sonnet-5"
[routes.either]
deployments = ["sonnet", "sonnet-2"]
[routes.spread]
deployments = ["sonnet", "sonnet-2"]
policy = "weighted"
[routes.marked]
deployments = ["sonnet"]
cache = "auto"
[routes.marked-haiku]
deployments = ["haiku"]
cache = "auto"
[routes.both-marked]
deployments = ["sonnet", "sonnet-2"]
policy = "weighted"
cache = "auto"
[routes.chat]
deployments = ["mini", "big"]
"""


@pytest.fixture(scope="module")
def running(
    running_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """A gateway with two accounts at one provider."""
    urls = running_simulator.openai_url, running_simulator.anthropic_url
    text = config(*urls, more=ACCOUNTS.format(url=urls[1]))
    with Gateway(tmp_path_factory.mktemp("caching"), text) as gateway:
        yield gateway


@pytest.fixture
def gateway(running: Gateway, simulator: Simulator) -> Iterator[Gateway]:
    """The gateway; afterwards everything is settled and everybody well."""
    yield running
    running.assert_settled()
    running.heal()


def words(name: str, count: int = 1_500) -> str:
    """Return a text of a session's own, of about so many tokens."""
    return " ".join(f"{name}{number}" for number in range(count * 4 // (len(name) + 4)))


def turns(name: str, count: int) -> list[dict[str, Any]]:
    """Return a conversation of so many questions with the answers between them."""
    said: list[dict[str, Any]] = []
    for number in range(count):
        said.append({"role": "user", "content": words(f"{name}q{number}", 60)})
        said.append({"role": "assistant", "content": words(f"{name}a{number}", 30)})
    return said[:-1]


def messages(name: str, count: int, *, model: str, marked: bool = False) -> dict[str, Any]:
    """Return the body of a session's call; marked as an agent marks: the head and the end."""
    said = turns(name, count)
    system: list[dict[str, Any]] = [{"type": "text", "text": words(name)}]
    if marked:
        control = {"type": "ephemeral"}
        system[0]["cache_control"] = control
        for turn in said[-3::2]:
            text = {"type": "text", "text": turn["content"], "cache_control": control}
            turn["content"] = [text]
    return {"model": model, "max_tokens": 50, "system": system, "messages": said}


def chat(name: str, count: int, *, model: str = "chat") -> dict[str, Any]:
    """Return the same as a body of Chat Completions."""
    said = [{"role": "system", "content": words(name)}, *turns(name, count)]
    return {"model": model, "max_completion_tokens": 50, "messages": said}


def served(gateway: Gateway, body: dict[str, Any], path: str = MESSAGES_PATH) -> Reply:
    """Send a call, which must be served."""
    reply = ask(gateway, body, path)
    assert reply.status == 200, reply
    return reply


def end(gateway: Gateway, reply: Reply) -> SettleRecord:
    """Return how the last attempt of a call was settled."""
    found = gateway.ends(call_of(reply))[-1]
    assert isinstance(found, SettleRecord)
    return found


def note(gateway: Gateway, reply: Reply) -> CacheNote:
    """Return what is said of the cache; all defaults when nothing is."""
    return end(gateway, reply).cache or CacheNote()


def by(reply: Reply) -> str | None:
    """Return who served a call."""
    return reply.header("x-headgate-deployment")


def rate(usages: list[dict[str, int]]) -> float:
    """Return the share of all prompt tokens that was read from a cache."""
    reads = sum(usage.get("cache_read", 0) for usage in usages)
    prompts = [sum(n for meter, n in usage.items() if "output" not in meter) for usage in usages]
    return reads / sum(prompts)


def test_a_session_stays_where_it_is_warm_and_moves_when_it_must(
    gateway: Gateway, simulator: Simulator
) -> None:
    """A session over two accounts reads as much as over one, also when one is throttled midway.

    It moves at once, pays the prefix a second time, and stays where it is warm then, though the
    other account is well again and its name comes first.
    """
    alone, both = (
        [served(gateway, messages(model, n, model=model, marked=True)) for n in range(1, 101)]
        for model in ("sonnet", "spread")
    )
    first = by(both[0])
    simulator.faults.add(Fault(FaultKind.RATE_LIMIT, model="claude-sonnet-5", times=1))
    moved = [
        served(gateway, messages("spread", count, model="spread", marked=True))
        for count in range(101, 104)
    ]

    gateway.until_idle()
    reached = rate([end(gateway, reply).quantities for reply in both])
    assert reached >= 0.95 * rate([end(gateway, reply).quantities for reply in alone])
    assert {by(reply) for reply in both} == {first}
    assert len({by(reply) for reply in moved}) == 1
    assert by(moved[0]) != first
    gateway.heal()
    assert by(served(gateway, messages("spread", 104, model="spread", marked=True))) == by(moved[0])
    assert note(gateway, moved[0]).cause == "moved"
    assert note(gateway, moved[0]).missed_nanos > 0
    assert note(gateway, moved[1]).cause is None


def test_the_cheapest_is_where_it_is_warm(gateway: Gateway, simulator: Simulator) -> None:
    """Two accounts at one price: a session that a throttled one lost does not come back to it."""

    def send(count: int) -> str | None:
        return by(served(gateway, messages("cheap", count, model="either", marked=True)))

    before = [send(count) for count in range(1, 4)]
    simulator.faults.add(Fault(FaultKind.RATE_LIMIT, model="claude-sonnet-5", times=1))
    throttled = send(4)
    gateway.heal()
    after = [send(count) for count in range(5, 7)]

    assert before == ["sonnet"] * 3
    assert [throttled, *after] == ["sonnet-2"] * 3


def test_what_is_warm_is_in_the_decision(gateway: Gateway) -> None:
    """The record says what a warm prefix is worth at each candidate: tokens x (input - read)."""
    served(gateway, messages("worth", 1, model="either", marked=True))
    reply = served(gateway, messages("worth", 2, model="either", marked=True))

    gateway.until_idle()
    number = int(reply.header("x-headgate-decision") or 0)
    (record,) = [
        each
        for each in gateway.records()
        if isinstance(each, DecisionRecord) and each.number == number
    ]
    kept = end(gateway, reply).quantities["cache_read"]
    warm = {each.deployment: each.warm_nanos for each in record.candidates}
    # Claude Sonnet 5 at the price of the day: the rates are those of the charge lines.
    lines = {line.meter: line.price_femto for line in end(gateway, reply).lines}
    rate_femto = lines["cache_write_5m"] * 4 // 5 - lines["cache_read"]
    assert warm == {"sonnet": kept * rate_femto // 1_000_000, "sonnet-2": 0}


def test_a_weighted_session_stays_where_it_began(gateway: Gateway) -> None:
    """The weights share out sessions; the calls of one are not torn apart."""
    firsts = set()
    for number in range(4):
        name = f"weighed{number}"
        found = {
            by(served(gateway, messages(name, count, model="spread", marked=True)))
            for count in range(1, 5)
        }
        assert len(found) == 1
        firsts |= found

    assert firsts == {"sonnet", "sonnet-2"}


def test_an_unmarked_session_that_comes_back_is_marked(
    gateway: Gateway, simulator: Simulator
) -> None:
    """The first call is left as it is; from the second on the prefix is written, then read.

    All else in the body is as the client sent it, and it costs less than without a cache.
    """
    bodies = [messages("auto", count, model="marked") for count in range(1, 6)]
    replies = [served(gateway, body) for body in bodies]

    gateway.until_idle()
    usages = [end(gateway, reply).quantities for reply in replies]
    notes = [note(gateway, reply) for reply in replies]
    assert "cache_write_5m" not in usages[0]
    assert notes[0] == CacheNote()
    assert notes[1].marked == ("system[0]", "messages[0].content", "messages[2].content")
    assert usages[1]["cache_write_5m"] > 1_024
    assert all(usage["cache_read"] > usage["cache_write_5m"] for usage in usages[2:])
    assert notes[1].saved_nanos < 0
    assert sum(each.saved_nanos for each in notes) > 0
    assert {each.cause for each in notes} == {None}
    sent = [json.loads(each.body) for each in simulator.received.all()[-5:]]
    assert sent[0] == {**bodies[0], "model": "claude-sonnet-5"}
    assert [_unmarked(each) for each in sent] == [
        {**body, "model": "claude-sonnet-5"} for body in bodies
    ]


def _unmarked(body: dict[str, Any]) -> dict[str, Any]:
    """Return a body as it was before it was marked."""
    (system,) = body["system"]
    said = [
        {**turn, "content": turn["content"][0]["text"]}
        if isinstance(turn["content"], list)
        else turn
        for turn in body["messages"]
    ]
    system.pop("cache_control", None)
    return {**body, "system": [system], "messages": said}


def test_a_session_that_is_marked_stays_where_it_was_written(gateway: Gateway) -> None:
    """Wherever its first call went: from the second on it is read at one account."""
    replies = [served(gateway, messages("pair", n, model="both-marked")) for n in range(1, 6)]

    gateway.until_idle()
    usages = [end(gateway, reply).quantities for reply in replies]
    assert len({by(reply) for reply in replies[1:]}) == 1
    assert all(usage["cache_read"] > 1_024 for usage in usages[2:])


def test_another_session_of_the_same_kind_has_its_head_marked(gateway: Gateway) -> None:
    """Instructions that were sent before are worth a mark; the new conversation is not yet."""
    one, two = messages("kind", 1, model="marked"), messages("kind", 1, model="marked")
    two["messages"] = turns("other", 1)
    served(gateway, one)
    reply = served(gateway, two)

    gateway.until_idle()
    assert note(gateway, reply).marked == ("system[0]",)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(messages("own", 2, model="marked", marked=True), id="marked by the client"),
        pytest.param(messages("plain", 2, model="sonnet"), id="not asked for by the route"),
        pytest.param(messages("brief", 1, model="marked-haiku"), id="too short for the model"),
    ],
)
def test_what_needs_no_marks_is_left_alone(
    gateway: Gateway, simulator: Simulator, body: dict[str, Any]
) -> None:
    """The body goes as it came, save for the model's name, however often it comes."""
    replies = [served(gateway, body) for _ in range(3)]

    gateway.until_idle()
    assert [note(gateway, reply).marked for reply in replies] == [()] * 3
    for received in simulator.received.all()[-3:]:
        sent = json.loads(received.body)
        assert sent == {**body, "model": sent["model"]}


def test_a_translated_session_is_marked_as_well(gateway: Gateway) -> None:
    """A client that knows no marks reads the cache of a provider that needs them."""
    replies = [
        served(gateway, chat("foreign", count, model="marked"), CHAT_PATH) for count in range(1, 5)
    ]

    gateway.until_idle()
    usages = [end(gateway, reply).quantities for reply in replies]
    assert all(usage["cache_read"] > 1_024 for usage in usages[2:])


def changed_head(body: dict[str, Any]) -> None:
    body["system"][0]["text"] = "It is noon. " + body["system"][0]["text"]


def added_tool(body: dict[str, Any]) -> None:
    body["tools"] = [{"name": "clock", "input_schema": {"type": "object"}}]


def _rewritten_turn(body: dict[str, Any]) -> None:
    body["messages"][0]["content"] = "Forget it. " + body["messages"][0]["content"]


def changed_setting(body: dict[str, Any]) -> None:
    body["tool_choice"] = {"type": "none"}


@pytest.mark.parametrize(
    ("change", "path", "headers"),
    [
        pytest.param(changed_head, "system[0].text", (), id="instructions"),
        pytest.param(added_tool, "tools[0]", (), id="tools"),
        pytest.param(_rewritten_turn, "messages[0].content", ((SESSION, "one"),), id="turn"),
    ],
)
def test_a_break_names_the_first_changed_block_and_its_cost(
    gateway: Gateway, change: Any, path: str, headers: tuple[tuple[str, str], ...]
) -> None:
    """Whoever changes a prefix is told where, and what writing it again cost beyond reading it."""
    name = path.partition("[")[0]

    def send(count: int, *, changed: bool) -> Reply:
        body = messages(name, count, model="sonnet", marked=True)
        if changed:
            change(body)
        return ask(gateway, body, MESSAGES_PATH, headers=headers)

    before = [send(count, changed=False) for count in range(8, 11)]
    broken = send(11, changed=True)
    after = send(12, changed=True)

    gateway.until_idle()
    assert [note(gateway, reply).cause for reply in before] == [None] * 3
    told = note(gateway, broken)
    assert (told.cause, told.path) == ("changed", path)
    lines = {line.meter: line.price_femto for line in end(gateway, broken).lines}
    usage = end(gateway, before[-1]).quantities
    kept = usage["cache_read"] + usage.get("cache_write_5m", 0)
    assert 512 <= told.missed_tokens <= kept
    read_femto = lines["cache_write_5m"] * 4 // 50
    dearer_femto = lines["cache_write_5m"] - read_femto
    assert told.missed_nanos == -(-told.missed_tokens * dearer_femto // 1_000_000)
    assert note(gateway, after).cause is None


def test_a_prefix_that_is_over_is_no_break_of_the_client(
    gateway: Gateway, simulator: Simulator
) -> None:
    """The provider forgot early: nothing has changed, so no block is named."""
    served(gateway, messages("gone", 3, model="sonnet", marked=True))
    simulator.advance(301)
    reply = served(gateway, messages("gone", 4, model="sonnet", marked=True))

    gateway.until_idle()
    told = note(gateway, reply)
    assert (told.cause, told.path) == ("unread", None)
    assert told.missed_nanos > 0


def test_two_conversations_that_begin_alike_are_not_compared(gateway: Gateway) -> None:
    """The same first words under other instructions, and a new course: another session."""
    one = messages("alike", 4, model="sonnet", marked=True)
    two = messages("unlike", 4, model="sonnet", marked=True)
    two["messages"][0] = one["messages"][0]
    replies = [served(gateway, body) for body in (one, two, one, two)]

    gateway.until_idle()
    assert [note(gateway, reply).cause for reply in replies] == [None] * 4


def test_a_cache_that_works_unasked_is_compared_too(gateway: Gateway) -> None:
    """Chat Completions marks nothing: the same session reads on, a changed one is told."""
    replies = [
        served(gateway, chat("unasked", count, model="mini"), CHAT_PATH) for count in range(1, 4)
    ]
    body = chat("unasked", 4, model="mini")
    body["messages"][0]["content"] = "It is noon. " + body["messages"][0]["content"]
    broken = served(gateway, body, CHAT_PATH)

    gateway.until_idle()
    assert [note(gateway, reply).cause for reply in replies] == [None] * 3
    assert all(note(gateway, reply).saved_nanos > 0 for reply in replies[1:])
    told = note(gateway, broken)
    assert (told.cause, told.path) == ("changed", "messages[0].content")
