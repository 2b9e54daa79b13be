"""What is remembered of prompts: bounded, for as long as they are kept, and without a text."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.caches.missed import Missed, Served, continues, missed
from headgate.caches.prompt import BLOCKS_MAX, Prompt, prompt_of, reading
from headgate.caches.sessions import Last, Sessions, session_of
from headgate.caches.warmth import Prefix, Warmth
from headgate.caches.worth import missed_nanos, saved_nanos, warm_nanos, writing_pays
from headgate.catalog.load import load_price_book
from headgate.catalog.rates import RateCard
from headgate.dialects.prompts.block import Block, Blocks
from headgate.dialects.prompts.registry import prompt_dialects
from headgate.dialects.translation.parser import whole
from headgate.records.demand import STANDARD
from headgate.units.usage import Usage

CACHE = ("account", "model")
OTHER = ("second", "model")
NOW_NS = 1_790_000_000_000_000_000
LATER_NS = NOW_NS + 300_000_000_000


def block(name: str, said: str, size: int = 4_000) -> Block:
    """Return a block that says something at some length."""
    return Block(name, (said.ljust(size).encode(),))


def prompt(head: list[str], turns: list[str], identity: str | None = None) -> Prompt:
    """Return a prompt of texts."""
    return prompt_of(
        Blocks(
            tuple(block(f"tools[{at}]", said) for at, said in enumerate(head)),
            (),
            tuple(block(f"messages[{at}].content", said) for at, said in enumerate(turns)),
            identity,
        )
    )


def last(sent: Prompt, tokens: int = 10_000, until_ns: int = LATER_NS) -> Last:
    """Return a prompt all of which is kept."""
    return Last(sent, CACHE, len(sent.marks), tokens, until_ns)


def served(read: int, **given: Any) -> Served:
    """Return how a prompt was served, in the same cache and in time unless said otherwise."""
    return Served(**{"cache": CACHE, "cache_read": read, "marked": True, "at_ns": NOW_NS, **given})


@pytest.fixture(scope="module")
def card() -> RateCard:
    """The prices of a model whose writes cost 1.25 times its input, and reads a tenth."""
    found = load_price_book().rate_card("anthropic", "claude-sonnet-5", STANDARD, NOW_NS)
    assert found is not None
    return found


def test_the_longest_warm_prefix_counts_while_it_lives() -> None:
    """In its own cache, until its time is over."""
    known = Warmth()
    short, long = prompt(["a"], ["b"]), prompt(["a"], ["b", "c", "d"])
    known.keep(CACHE, short.marks[0], Prefix(500, LATER_NS))
    known.keep(CACHE, long.marks[2], Prefix(900, NOW_NS))

    assert known.tokens(CACHE, long, NOW_NS - 1) == 900
    assert known.tokens(CACHE, long, NOW_NS) == 500
    assert known.tokens(OTHER, long, NOW_NS) == 0
    assert known.tokens(CACHE, long, LATER_NS) == 0
    assert known.tokens(CACHE, prompt(["x"], ["b"]), NOW_NS) == 0


def test_what_was_sent_is_known_for_a_while() -> None:
    """The longest prefix, whoever got it, and whether or not it is kept."""
    known = Warmth()
    long = prompt(["a"], ["b", "c", "d"])
    known.send(long.marks[0], LATER_NS)
    known.send(long.marks[2], NOW_NS)

    assert known.sent(long, NOW_NS - 1) == 3
    assert known.sent(long, NOW_NS) == 1
    assert known.sent(long, LATER_NS) == 0
    assert known.sent(prompt(["x"], ["b"]), NOW_NS) == 0


def test_memories_are_bounded() -> None:
    """The oldest prefixes and sessions go first; a prompt is not looked at without an end."""
    known, kept = Warmth(prefixes_max=8), Sessions(sessions_max=8)
    sent = [prompt([], [str(number)]) for number in range(20)]
    for number, one in enumerate(sent):
        known.keep(CACHE, one.marks[0], Prefix(1, LATER_NS))
        known.send(one.marks[0], LATER_NS)
        kept.keep(number, last(one))

    assert [known.tokens(CACHE, one, NOW_NS) for one in sent] == [0] * 12 + [1] * 8
    assert [known.sent(one, NOW_NS) for one in sent] == [0] * 12 + [1] * 8
    assert [kept.get(number) is not None for number in range(20)] == [False] * 12 + [True] * 8
    endless = Blocks((), (), tuple(block("m", "x", 1) for _ in range(BLOCKS_MAX + 9)))
    assert len(prompt_of(endless).marks) == BLOCKS_MAX


def test_sessions_share_a_bound_of_blocks() -> None:
    """One long conversation pushes several short ones out, and may push out itself."""
    kept = Sessions(blocks_max=10)
    for number in range(5):
        kept.keep(number, last(prompt([], ["a", "b"])))
    kept.keep(4, last(prompt([], [str(number) for number in range(8)])))

    assert [kept.get(number) is not None for number in range(5)] == [
        False,
        False,
        False,
        True,
        True,
    ]


@given(
    head=st.lists(st.sampled_from("abc"), max_size=3),
    turns=st.lists(st.sampled_from("pqrs"), min_size=1, max_size=6),
    more=st.lists(st.sampled_from("pqrs"), max_size=3),
    read=st.integers(0, 10_000),
)
def test_a_prompt_that_only_grew_has_no_changed_block(
    head: list[str], turns: list[str], more: list[str], read: int
) -> None:
    """What is not read of it was forgotten: never is a block named."""
    found = missed(last(prompt(head, turns)), prompt(head, turns + more), served(read))

    assert found == (Missed("unread", None, 10_000 - read) if read <= 10_000 - 512 else None)


@given(
    turns=st.lists(st.integers(0, 99), min_size=2, max_size=9, unique=True).map(
        lambda numbers: [str(number) for number in numbers]
    ),
    at=st.integers(0, 7),
)
def test_the_first_changed_block_is_named(turns: list[str], at: int) -> None:
    """Whichever it is; and as many tokens are missed as are sent again, in front or behind."""
    at = min(at, len(turns) - 2)
    changed = [*turns[:at], "other", *turns[at + 1 :]]
    before = prompt([], turns)

    found = missed(last(before), prompt([], changed), served(0))

    assert found == Missed("changed", f"messages[{at}].content", 10_000)


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        pytest.param(["a", "b"], ["a"], "tools[1]", id="the last tool is gone"),
        pytest.param(["a", "b"], [], "tools[0]", id="all tools are gone"),
        pytest.param(["a"], ["a", "b"], "tools[1]", id="a tool is new"),
        pytest.param([], ["a"], "tools[0]", id="the first tools"),
        pytest.param(["a", "b"], ["b", "a"], "tools[0]", id="another order"),
    ],
)
def test_a_section_that_grew_or_shrank_is_named(
    before: list[str], after: list[str], path: str
) -> None:
    """It is the tools that changed, not the turn that stands in their place now."""
    turns = ["p", "q", "r"]

    found = missed(last(prompt(before, turns)), prompt(after, turns), served(0))

    assert found is not None
    assert (found.cause, found.path) == ("changed", path)


def test_another_end_is_no_break_when_the_rest_was_read() -> None:
    """A question asked anew, or a conversation taken back: what could be read was."""
    before = last(prompt(["a"], ["p", "q"]), tokens=9_000)

    assert missed(before, prompt(["a"], ["p", "z"]), served(6_000)) is None
    assert missed(before, prompt(["a"], ["p"]), served(0)) is None
    assert missed(before, prompt(["a"], ["p", "z"]), served(0)) == Missed(
        "changed", "messages[1].content", 6_000
    )


@pytest.mark.parametrize(
    ("how", "cause"),
    [
        ({"cache": OTHER}, "moved"),
        ({"at_ns": LATER_NS}, "expired"),
        ({"marked": False}, "unmarked"),
        ({}, "unread"),
    ],
)
def test_a_miss_without_a_change_has_another_cause(how: dict[str, Any], cause: str) -> None:
    """Where it was served, when, and whether it asked to be read."""
    found = missed(last(prompt(["a"], ["p"])), prompt(["a"], ["p", "q"]), served(0, **how))

    assert found is not None
    assert found._asdict() == {"cause": cause, "path": None, "tokens": 10_000}


def test_most_of_a_conversation_goes_on_in_its_next_prompt() -> None:
    """Two that begin alike are not one."""
    before = last(prompt(["a"], ["p", "q", "r"]))

    assert continues(before, prompt(["other"], ["p", "q", "r", "s"]))
    assert continues(before, prompt(["a"], ["x", "q", "r"]))
    assert not continues(before, prompt(["a"], ["p", "y", "z"]))


def test_a_session_is_named_or_known_by_how_it_begins() -> None:
    """By the header alone; else by the first turn and the client's own field; by principal."""
    one, other = prompt(["a"], ["p"], "u"), prompt(["b"], ["p", "q"], "u")

    assert session_of("ann", b"s", one) == session_of("ann", b"s", prompt([], ["z"]))
    assert session_of("ann", b"s", one) != session_of("bob", b"s", one)
    assert session_of("ann", None, one) == session_of("ann", None, other)
    assert session_of("ann", None, one) != session_of("bob", None, one)
    assert session_of("ann", None, one) != session_of("ann", None, prompt(["a"], ["p"], "v"))
    assert session_of("ann", None, prompt(["a"], [])) is None


@given(tokens=st.integers(0, 10**6), size=st.integers(1, 10**6), out=st.integers(0, 10**5))
def test_money_is_that_of_the_price_book(card: RateCard, tokens: int, size: int, out: int) -> None:
    """What is warm, saved and missed are differences of charges, to the nano."""
    warm = min(tokens, size)
    read = Usage(input_uncached=size - warm, cache_read=warm, output_text=out)
    cold = Usage(input_uncached=size, output_text=out)
    gain = card.amount(cold)[0] - card.amount(read)[0]

    assert warm_nanos(card, tokens, size) == gain
    assert saved_nanos(card, read) == gain
    assert missed_nanos(card, cold, warm) == gain
    assert saved_nanos(card, Usage(cache_write_5m=size)) <= 0


def test_writing_pays_where_a_reading_saves_more(card: RateCard) -> None:
    """At 1.25 times and a tenth it does; without a price for reading it does not."""
    assert writing_pays(card, 1_000)
    dear = card.rates[0]
    same = tuple(dear.prices_femto[0] for _ in dear.prices_femto)
    entries = tuple((meter, same[0], row) for meter, _, row in dear.entries)
    flat = RateCard(
        card.seller,
        card.model,
        card.terms,
        card.valid_until_ns,
        (dear._replace(prices_femto=same, entries=entries),),
        (),
    )
    assert not writing_pays(flat, 1_000)


BODIES: dict[str, dict[str, Any]] = {
    "anthropic_messages": {
        "tools": [{"name": "t", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
        "system": [{"type": "text", "text": "s"}],
        "messages": [
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": [{"type": "text", "text": "a"}, {"type": "x"}]},
        ],
        "metadata": {"user_id": "me"},
    },
    "openai_chat": {
        "tools": [{"type": "function"}],
        "messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": [{"type": "text", "text": "q"}]},
            {"role": "assistant", "tool_calls": [{"id": "1"}]},
        ],
        "prompt_cache_key": "me",
    },
    "openai_responses": {
        "instructions": "s",
        "input": [{"role": "user", "content": [{"type": "input_text", "text": "q"}]}],
        "user": "me",
    },
    "gemini": {
        "systemInstruction": {"parts": [{"text": "s"}]},
        "contents": [{"role": "user", "parts": [{"text": "q"}, {"text": "r"}]}],
    },
}
PATHS = {
    "anthropic_messages": (
        ("tools[0]", "system[0].text"),
        ("messages[0].content", "messages[1].content[0]", "messages[1].content[1]"),
    ),
    "openai_chat": (
        ("tools[0]", "messages[0].content"),
        ("messages[1].content[0]", "messages[2]"),
    ),
    "openai_responses": (("instructions",), ("input[0].content[0]",)),
    "gemini": (("systemInstruction",), ("contents[0].parts[0]", "contents[0].parts[1]")),
}


def blocks_of(kind: str, body: dict[str, Any]) -> Blocks | None:
    """Return the blocks of a body of a dialect."""
    members = msgspec.json.decode(msgspec.json.encode(body), type=dict[str, msgspec.Raw])
    return prompt_dialects()[kind].read(members)


@pytest.mark.parametrize("kind", prompt_dialects())
def test_each_dialect_divides_its_prompts(kind: str) -> None:
    """The head first, then the conversation, each block by its path; and who the client says."""
    found = blocks_of(kind, BODIES[kind])

    assert found is not None
    assert tuple(one.path for one in found.head) == PATHS[kind][0]
    assert tuple(one.path for one in found.turns) == PATHS[kind][1]
    assert found.identity == (None if kind == "gemini" else "me")


def test_marks_are_no_part_of_what_is_compared() -> None:
    """A turn that was marked in one request, or stood as a bare text, is the same in the next."""
    control = {"type": "ephemeral", "ttl": "1h"}
    marked = [{"type": "text", "text": "q", "cache_control": control}]
    one = blocks_of("anthropic_messages", {"messages": [{"role": "user", "content": marked}]})
    two = blocks_of("anthropic_messages", {"messages": [{"role": "user", "content": "q"}]})

    assert one is not None
    assert two is not None
    first, second = next(iter(one.turns)), next(iter(two.turns))
    assert first.parts == second.parts
    assert (first.lifetime_s, second.lifetime_s) == (3_600, 0)


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("openai_responses", "previous_response_id"),
        ("gemini", "cachedContent"),
        ("anthropic_messages", "thread"),
    ],
)
def test_what_the_provider_holds_is_not_compared(kind: str, field: str) -> None:
    """A body that has only the end of its prompt has no prefix of it."""
    assert blocks_of(kind, {**BODIES[kind], field: "kept"}) is None


def test_blanks_between_members_divide_nothing_else() -> None:
    """An indented body has the same blocks at the same places, marked or not."""
    body = msgspec.json.format(msgspec.json.encode(BODIES["anthropic_messages"]), indent=2)
    members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])

    found = prompt_dialects()["anthropic_messages"].read(members)

    other = blocks_of("anthropic_messages", BODIES["anthropic_messages"])
    assert found is not None
    assert other is not None
    assert tuple(one.path for one in found.turns) == PATHS["anthropic_messages"][1]
    assert [one.path for one in found.head] == [one.path for one in other.head]


LEAF = st.none() | st.booleans() | st.integers() | st.sampled_from(["", "user", "system", "x"])
NAME = st.sampled_from(
    ["role", "content", "type", "text", "parts", "cache_control", "ttl", "user_id", "x"]
)
VALUE = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAME, inner, max_size=3),
    max_leaves=12,
)
MEMBERS = st.dictionaries(
    st.sampled_from(
        [
            *("messages", "tools", "system", "metadata", "thinking", "cache_control", "thread"),
            *("input", "instructions", "user", "prompt_cache_key", "contents", "toolConfig"),
        ]
    ),
    VALUE,
    max_size=5,
)


@given(body=MEMBERS)
def test_an_odd_prompt_is_divided_or_left_alone(body: dict[str, Any]) -> None:
    """Whatever a body holds: blocks with a hash each, or the one complaint that is expected."""
    for kind in prompt_dialects():
        try:
            found = blocks_of(kind, body)
            sent = None if found is None else prompt_of(found)
            again = blocks_of(kind, body)
            paused = None if again is None else whole(reading(again))
        except msgspec.DecodeError:
            continue
        if sent is not None:
            assert len(sent.paths) == len(sent.marks) == len(sent.ends)
            assert list(sent.ends) == sorted(sent.ends)
            assert paused is not None
            assert (paused.marks, paused.ends) == (sent.marks, sent.ends)
