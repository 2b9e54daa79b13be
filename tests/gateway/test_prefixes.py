"""What a long session was measured at: a bound for its own next call, and nobody else's."""

import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from headgate.caches.prompt import Prompt, prompt_of
from headgate.counting.load_tokenizer import TOKENIZERS, load_tokenizer
from headgate.dialects.prompts.block import OWN, Block, Blocks
from headgate.gateway.money.prefixes import INSIDE_TOKENS, SEAM_TOKENS, PrefixMemory, whose
from headgate.simulator import Fault, FaultKind, Simulator
from tests.counting.vocabularies import needs_tokenizers
from tests.gateway.calls import CHAT_PATH, MESSAGES_PATH, ask, call_of
from tests.gateway.conftest import Start
from tests.gateway.inprocess import Gateway

ALICE = whose("alice", "gpt", {})
HEAD = (Block("tools[0]", (b"look up",)), Block("messages[0]", (b"be brief",)))
TURNS = [b"x" * 9_000, b"y" * 700, b"z" * 9_000]


def prompt(turns: Sequence[bytes], head: tuple[Block, ...] = HEAD) -> Prompt:
    """Return a prompt of a head and texts of a conversation."""
    return prompt_of(Blocks(head, (), [Block(f"messages[{n}]", (t,)) for n, t in enumerate(turns)]))


def test_a_longer_prompt_is_bounded_by_what_its_prefix_was_measured_at() -> None:
    """The tokens of the measured prompt, and one per byte of what is new."""
    memory = PrefixMemory()
    memory.learn(ALICE, prompt(TURNS), 4_000)
    size = prompt(TURNS).firm[-1]

    bound = memory.bound(ALICE, prompt([*TURNS, b"new"]), size + 3)

    assert bound == 4_000 + 3 + SEAM_TOKENS


def test_what_forks_off_is_bounded_by_what_it_has_in_common() -> None:
    """A turn that was taken back leaves those before it measured."""
    memory = PrefixMemory()
    memory.learn(ALICE, prompt(TURNS), 4_000)
    forked = prompt([*TURNS[:-1], b"other"])

    bound = memory.bound(ALICE, forked, forked.firm[-1])

    assert bound == 4_000 + len(b"other") + SEAM_TOKENS


def test_calls_of_one_kind_have_their_head_in_common() -> None:
    """Instructions of many kB are measured once for all conversations that begin with them."""
    memory = PrefixMemory()
    head = (Block("messages[0]", (b"i" * 50_000,)),)
    memory.learn(ALICE, prompt(TURNS * 3, head), 20_000)

    bound = memory.bound(ALICE, prompt([b"hello"], head), 50_005)

    assert bound == 20_000 + 5 + SEAM_TOKENS


def test_a_head_is_bounded_by_the_least_and_a_conversation_by_the_most() -> None:
    """A provider may have left thoughts out of a longer call, but nothing out of instructions."""
    memory = PrefixMemory()
    memory.learn(ALICE, prompt(TURNS), 4_000)
    memory.learn(ALICE, prompt([*TURNS, b"more"]), 3_000)

    def bound(*turns: bytes) -> int | None:
        asked = prompt(turns)
        return memory.bound(ALICE, asked, asked.firm[-1])

    assert bound(*TURNS) == 4_000 + SEAM_TOKENS
    assert bound(b"hello") == 3_000 + len(b"hello") + SEAM_TOKENS


DOCUMENT = b"a word of it, " * 3_000
"""42 kB: the last place inside of it is 40 kB from its beginning."""


def texts(*said: bytes, head: tuple[Block, ...] = HEAD) -> Prompt:
    """Return a prompt of a head and plain texts of a user."""
    parts = [(b"role", b'"user"', OWN, b'"%b"' % text) for text in said]
    turns = [Block(f"messages[{n}]", each, 0, 0, n) for n, each in enumerate(parts)]
    return prompt_of(Blocks(head, (), turns))


def bound_of(memory: PrefixMemory, asked: Prompt) -> int | None:
    """Return the bound of a prompt whose body has nothing beside it."""
    return memory.bound(ALICE, asked, asked.firm[-1])


def test_another_question_about_a_document_is_bounded_by_the_first() -> None:
    """In one text with it: by the tokens of the first, and bytes from the last place in common."""
    memory = PrefixMemory()
    memory.learn(ALICE, texts(DOCUMENT + b"What is it?"), 10_000)
    asked = texts(DOCUMENT + b"Who has written it, and when?")

    (text,) = asked.beginnings
    rest = asked.firm[-1] - text.firm_at(8)

    assert rest < 2_000
    assert bound_of(memory, asked) == 10_000 + rest + INSIDE_TOKENS


def test_a_text_that_goes_on_is_bounded_by_all_that_it_was() -> None:
    """A prompt that grows as one text has each of its calls bounded by the one before."""
    memory = PrefixMemory()
    memory.learn(ALICE, texts(DOCUMENT), 10_000)

    bound = bound_of(memory, texts(DOCUMENT * 2))

    assert bound is not None
    assert bound < 10_000 + len(DOCUMENT) + 2_100


def test_the_least_that_began_alike_counts_where_a_conversation_begins() -> None:
    """A long prompt of the same template makes no room for a short one; instructions likewise."""
    memory = PrefixMemory()
    template = DOCUMENT[:5_000]
    memory.learn(ALICE, texts(template + b"short"), 1_500)
    memory.learn(ALICE, texts(template + DOCUMENT), 12_000)

    bound = bound_of(memory, texts(template + b"else"))

    assert bound is not None
    assert bound < 1_500 + 1_000 + INSIDE_TOKENS


def test_the_most_counts_behind_the_first_text_of_a_conversation() -> None:
    """Before it there may be thoughts that a provider left out of one call and not of another."""
    memory = PrefixMemory()
    memory.learn(ALICE, texts(b"hello", DOCUMENT + b"What is it?"), 9_000)
    memory.learn(ALICE, texts(b"hello", DOCUMENT + b"What is it?"), 10_000)
    memory.learn(ALICE, texts(b"hello", DOCUMENT + b"What is it?"), 9_500)
    asked = texts(b"hello", DOCUMENT + b"Who?")

    rest = asked.firm[-1] - asked.beginnings[0].firm_at(8)

    assert bound_of(memory, asked) == 10_000 + rest + INSIDE_TOKENS


def test_a_text_that_was_measured_too_low_is_put_right() -> None:
    """A call that counts more than all its other bytes shows that what it begins with has more."""
    memory = PrefixMemory()
    memory.learn(ALICE, texts(DOCUMENT + b"What is it?"), 900)
    memory.learn(ALICE, texts(DOCUMENT + b"Who wrote it?"), 20_000)

    bound = bound_of(memory, texts(DOCUMENT + b"When?"))

    assert bound is not None
    assert bound > 20_000


def test_what_is_less_of_both_counts() -> None:
    """What a text begins with in a long prompt does not bound a short one by all that was long."""
    memory = PrefixMemory()
    memory.learn(ALICE, texts(b"hello"), 20)
    memory.learn(ALICE, texts(b"hello", DOCUMENT[:6_000], b"a", b"b", b"c"), 12_000)
    asked = texts(b"hello", DOCUMENT[:4_400])

    assert bound_of(memory, asked) == 20 + asked.firm[-1] - asked.firm[2] + SEAM_TOKENS


def test_texts_of_others_and_elsewhere_bound_nothing() -> None:
    """Another principal's, another deployment's, and those behind other instructions."""
    memory = PrefixMemory()
    memory.learn(ALICE, texts(DOCUMENT + b"What is it?"), 10_000)
    asked = texts(DOCUMENT + b"Who?")

    for other in (whose("bob", "gpt", {}), whose("alice", "opus", {})):
        assert memory.bound(other, asked, asked.firm[-1]) is None
    head = (Block("messages[0]", (b"be long",)),)
    assert bound_of(memory, texts(DOCUMENT + b"Who?", head=head)) is None


def test_another_prompt_is_not_bounded() -> None:
    """One that differs in its first block has nothing in common; nor has another deployment's."""
    memory = PrefixMemory()
    memory.learn(ALICE, prompt(TURNS), 1_000)

    other = (Block("tools[0]", (b"look down",)), *HEAD[1:])
    assert memory.bound(ALICE, prompt(TURNS, other), 20_000) is None
    assert memory.bound(whose("alice", "opus", {}), prompt(TURNS), 20_000) is None


def test_what_one_principal_sent_tells_another_nothing() -> None:
    """The size of a hold is shown to the client, so it may not depend on other people's texts."""
    memory = PrefixMemory()
    memory.learn(ALICE, prompt(TURNS), 1_000)

    assert memory.bound(whose("bob", "gpt", {}), prompt(TURNS), 20_000) is None


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("context_management", b'{"edits":[1]}'),
        ("truncation", b'"auto"'),
        ("transforms", b'["middle-out"]'),
        ("unheard_of", b"1"),
    ],
)
def test_a_prompt_that_may_be_cut_is_bounded_by_its_bytes(member: str, value: bytes) -> None:
    """What was cut of a long call is not cut of a part of it, so neither bounds the other."""
    assert whose("alice", "gpt", {member: Raw(value)}) == 0


@pytest.mark.parametrize(
    ("member", "value", "another"),
    [
        ("tool_choice", b'"none"', True),
        ("toolConfig", b'{"functionCallingConfig":{"mode":"NONE"}}', True),
        ("temperature", b"0.5", False),
        ("truncation", b'"disabled"', False),
        ("context_management", b"null", False),
        ("messages", b"[]", False),
    ],
)
def test_members_beside_the_prompt_count_where_they_may_change_it(
    member: str, value: bytes, another: bool
) -> None:
    """With tools that may not be called, they may not have been counted."""
    memory = PrefixMemory()
    memory.learn(whose("alice", "gpt", {member: Raw(value)}), prompt(TURNS), 1_000)

    assert (memory.bound(ALICE, prompt(TURNS), 20_000) is None) == another


def test_what_can_be_no_count_is_not_learned() -> None:
    """A reply that says nothing of 19 kB leaves what was known."""
    memory = PrefixMemory()
    memory.learn(ALICE, prompt(TURNS), 4_000)

    memory.learn(ALICE, prompt(TURNS), 0)

    assert memory.bound(ALICE, prompt(TURNS), prompt(TURNS).firm[-1]) == 4_000 + SEAM_TOKENS


def test_a_head_that_was_measured_too_low_is_put_right() -> None:
    """A call that counts more than its head and all its bytes shows that the head has more."""
    memory = PrefixMemory()
    head = (Block("messages[0]", (b"i" * 50_000,)),)
    memory.learn(ALICE, prompt([b"hello"], head), 900)
    memory.learn(ALICE, prompt([b"hello there"], head), 20_000)

    assert memory.bound(ALICE, prompt([b"hi"], head), 50_002) == 20_000 + 2 + SEAM_TOKENS


def test_thoughts_count_as_new_each_time() -> None:
    """A provider leaves them out in turns before the last, so they may not have been measured."""
    memory = PrefixMemory()
    thought = Block("messages[1].content[0]", (b"t" * 9_000,), 0, 9_000)
    asked = prompt_of(Blocks(HEAD, (), [Block("messages[0]", (b"q" * 900,)), thought]))
    memory.learn(ALICE, asked, 300)

    assert memory.bound(ALICE, asked, asked.ends[-1]) == 300 + 9_000 + SEAM_TOKENS


def test_what_a_message_says_beside_many_parts_counts_once(gateway: Gateway) -> None:
    """A call to tools of 40 kB beside thirty parts is 40 kB of what was measured, not 1.2 MB."""

    def send(new: str) -> int:
        call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "a" * 40_000}}
        parts = [{"type": "text", "text": f"part {n}"} for n in range(30)]
        said = [
            {"role": "user", "content": "hello"},
            {"role": "assistant", "content": parts, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "c", "content": "done"},
            *({"role": "user", "content": text} for text in filter(None, [new])),
        ]
        reply = ask(gateway, {"model": "mini", "max_tokens": 50, "messages": said}, CHAT_PATH)
        assert reply.status == 200, reply
        gateway.until_idle()
        return gateway.holds(call_of(reply))[0].input_tokens_max

    send("")

    assert send("new " * 25_000) >= 100_000
    gateway.assert_settled()


@pytest.mark.parametrize(("path", "model"), [(MESSAGES_PATH, "sonnet"), (CHAT_PATH, "mini")])
def test_a_session_is_held_for_what_it_was_measured_at(
    gateway: Gateway, path: str, model: str
) -> None:
    """The next call of a long session is held for the tokens of the last, and for what is new."""

    def send(turns: int) -> tuple[int, int]:
        said = [{"role": "user", "content": f"{n} " + "some words " * 90} for n in range(turns)]
        body = {"model": model, "max_tokens": 50, "messages": said}
        reply = ask(gateway, body, path)
        gateway.until_idle()
        return gateway.holds(call_of(reply))[0].input_tokens_max, len(json.dumps(body))

    (first, before), (second, after) = send(20), send(21)

    assert second < first / 2 + after - before
    gateway.assert_settled()


def test_what_a_translation_leaves_out_makes_no_room(gateway: Gateway) -> None:
    """Blocks that another dialect has no words for shorten the body, not what is new in it."""

    def send(*more: str) -> int:
        thought = {"type": "thinking", "thinking": "well " * 5_000, "signature": "s"}
        said = [
            {"role": "user", "content": "question " * 200},
            {"role": "assistant", "content": [thought, {"type": "text", "text": "answer"}]},
            *({"role": "user", "content": text} for text in ("go on " * 1_500, *more)),
        ]
        reply = ask(gateway, {"model": "mini", "max_tokens": 50, "messages": said}, MESSAGES_PATH)
        assert reply.status == 200, reply
        gateway.until_idle()
        return gateway.holds(call_of(reply))[0].input_tokens_max

    send()

    assert send("new " * 1_000) >= len("new " * 1_000)
    gateway.assert_settled()


def test_who_serves_in_anothers_place_measures_nothing_for_it(
    start: Start, simulator: Simulator
) -> None:
    """An attempt that is too short to be bounded teaches nothing where the one before it failed."""
    gateway = start(more='[routes.any]\ndeployments = ["sonnet", "mini"]')
    said = [{"role": "user", "content": "\u4f60\u597d" * 1_100}]
    body = {"model": "any", "max_tokens": 10, "messages": said}
    simulator.faults.add(Fault(FaultKind.OVERLOADED, times=1, model="claude-sonnet-5"))
    replies = []
    for _ in range(2):
        replies.append(ask(gateway, body, MESSAGES_PATH))
        gateway.until_idle()

    served = [reply.header("x-headgate-deployment") for reply in replies]
    assert served == ["mini", "sonnet"]
    first, second = (gateway.holds(call_of(reply))[0].input_tokens_max for reply in replies)
    assert first == second
    gateway.assert_settled()


@given(st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=40), st.data())
def test_no_bound_is_below_what_one_token_per_byte_can_be(
    turns: list[bytes], data: st.DataObject
) -> None:
    """If each byte is a token, no call is bounded below its bytes, whatever was measured before."""
    memory = PrefixMemory()
    for _ in range(3):
        sent = prompt(turns[: data.draw(st.integers(1, len(turns)))])
        memory.learn(ALICE, sent, sent.firm[-1])
    asked = prompt([*turns[: data.draw(st.integers(0, len(turns)))], b"something else"])

    bound = memory.bound(ALICE, asked, asked.firm[-1])

    assert bound is None or bound >= asked.firm[-1]


@given(
    st.lists(st.lists(st.binary(min_size=1, max_size=9_000), max_size=3), min_size=1, max_size=4),
    st.data(),
)
def test_no_bound_of_texts_is_below_what_one_token_per_byte_can_be(
    conversations: list[list[bytes]], data: st.DataObject
) -> None:
    """The same of long texts that begin alike: in one message, in several, behind instructions."""
    memory = PrefixMemory()
    for said in conversations:
        cut = data.draw(st.integers(0, len(DOCUMENT)))
        sent = texts(DOCUMENT[:cut] + b"".join(said), *said)
        memory.learn(ALICE, sent, sent.firm[-1])
    cut = data.draw(st.integers(0, len(DOCUMENT)))
    asked = texts(DOCUMENT[:cut] + b"something else", *data.draw(st.sampled_from(conversations)))

    bound = bound_of(memory, asked)

    assert bound is None or bound >= asked.firm[-1]


RUNS = st.sampled_from(["a", " ", "\n", "-", "\u4f60", "\u0e01", "\U0001f600", "0", "Ab", "\u00e9"])
SAID = st.lists(st.tuples(RUNS, st.integers(1, 400)) | st.tuples(st.text(), st.just(1))).map(
    lambda runs: "".join(text * times for text, times in runs)
)


@needs_tokenizers
@pytest.mark.parametrize("name", TOKENIZERS)
@given(SAID, SAID, SAID)
def test_what_a_place_parts_is_within_the_seam(
    name: str, common: str, one: str, other: str
) -> None:
    """Wherever a text goes apart, in a word, a run, a character of many bytes: tokens are few."""
    count = load_tokenizer(name).count
    measured, asked = count(common + one), count(common + other)
    assert measured is not None
    assert asked is not None

    assert asked <= measured + len(json.dumps(other)) + INSIDE_TOKENS // 4
