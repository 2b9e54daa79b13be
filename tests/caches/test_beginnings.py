"""What long texts begin with: what two have in common is known, and nothing else of them."""

from array import array
from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from headgate.caches.beginnings import (
    FIRST_BYTES,
    PLACES,
    REMEMBERED_MAX,
    TEXTS_MAX,
    Beginnings,
    digest_of_text,
    forks,
)
from headgate.caches.prompt import Prompt, prompt_of
from headgate.caches.sessions import BLOCKS_PER_TEXT, Last, Sessions
from headgate.caches.warmth import Prefix, Warmth
from headgate.dialects.prompts.block import OWN, Block, Blocks, items
from headgate.dialects.prompts.registry import prompt_dialects

NOW_NS = 1_790_000_000_000_000_000
LATER_NS = NOW_NS + 300_000_000_000
LONG = "a document at length, " * 500
TEXTS = st.builds(
    lambda size, end: b'"' + b"word " * size + end + b'"', st.integers(0, 30_000), st.binary()
)
"""Texts that begin alike, and end where or as they want."""


def digests(text: bytes) -> list[int]:
    """Return the hashes of what a text begins with, and the one of the whole."""
    places = array("Q")
    whole = digest_of_text(text, 7, places)
    return [*places, whole]


def asked(*texts: str, before: str = "") -> Prompt:
    """Return the prompt of a conversation of texts, behind instructions."""
    said = [{"role": "user", "content": text} for text in texts]
    if before:
        said.insert(0, {"role": "system", "content": before})
    return prompt("openai_chat", messages=said)


def prompt(kind: str, **fields: Any) -> Prompt:
    """Return the prompt of a body of a dialect."""
    members = {name: Raw(msgspec.json.encode(value)) for name, value in fields.items()}
    blocks = prompt_dialects()[kind].read(members)
    assert blocks is not None
    return prompt_of(blocks)


def marks(prompt: Prompt) -> list[int]:
    """Return what a prompt's long texts are known by, place by place."""
    return [text.mark(number) for text in prompt.beginnings for number in range(len(text.digests))]


def said_of(prompt: Prompt) -> list[Any]:
    """Return all that a prompt says."""
    texts = [(t.block, t.before, t.end, t.firm, t.digests) for t in prompt.beginnings]
    blocks = [prompt.paths, prompt.digests, prompt.marks, prompt.ends, prompt.firm, prompt.items]
    return [*blocks, prompt.lifetimes_s, texts]


@given(TEXTS, TEXTS)
def test_as_much_is_known_as_two_texts_have_in_common(one: bytes, two: bytes) -> None:
    """Up to the last place before they go apart their hashes are the same, and none behind it."""
    both = [place for place in PLACES if place < min(len(one), len(two))]
    inside = sum(one[:place] == two[:place] for place in both)

    first, second = digests(one), digests(two)

    assert first[:inside] == second[:inside]
    if one != two:
        assert not set(first[inside:]) & set(second[inside:])


def test_no_more_than_a_quarter_is_lost() -> None:
    """Places lie 4 kB apart where a text begins, and a quarter of the way so far behind that."""
    steps = [(after - before, before) for before, after in pairwise(PLACES)]

    assert PLACES[0] == FIRST_BYTES
    assert all(step <= max(FIRST_BYTES, before // 4) for step, before in steps)
    assert PLACES[26] < 1 << 20 == PLACES[27]


@given(st.integers(1, 90))
def test_what_is_remembered_is_near_the_end_and_the_first(places: int) -> None:
    """Whoever goes apart at a place finds one at most twice as far from the end."""
    text = Beginnings(0, 0, 0, 0, array("Q", range(places)))

    found = [number for _, number in forks([text])]

    assert found[-1] == 0
    for place in range(places):
        kept = max(number for number in found if number <= place)
        assert kept == 0 or places - kept <= 2 * (places - place)


def test_of_few_texts_it_is_remembered() -> None:
    """The last ones: what is before them was remembered when it was last."""
    sent = asked(*[f"{number} {LONG}" for number in range(5)])

    found = {text.block - sent.turns_from for text, _ in forks(sent.beginnings)}

    assert found == set(range(5 - REMEMBERED_MAX, 5))


def test_another_question_about_a_document_begins_as_the_first_did() -> None:
    """Also behind instructions; not behind other ones, nor as somebody else's words."""
    one, two = asked(LONG + "What is it?"), asked(LONG + "Who wrote it?")
    other = asked(LONG + "What is it?", before="Be brief.")

    assert marks(one) == marks(two)
    assert one.marks != two.marks
    assert not set(marks(one)) & set(marks(other))
    told = [{"role": "assistant", "content": LONG + "What is it?"}]
    assert not set(marks(one)) & set(marks(prompt("openai_chat", messages=told)))


PART = {"type": "text", "text": LONG}
SAID = [{"role": "user", "content": LONG}]
MANY = [{"role": "user", "content": [PART, PART]}]


@pytest.mark.parametrize(
    ("kind", "fields", "texts"),
    [
        ("openai_chat", {"messages": [{"role": "system", "content": LONG}, *SAID]}, 2),
        ("openai_chat", {"messages": MANY}, 2),
        ("openai_chat", {"messages": [{"role": "tool", "tool_call_id": "1", "content": LONG}]}, 1),
        ("anthropic_messages", {"system": LONG, "messages": SAID}, 2),
        ("anthropic_messages", {"system": [PART], "messages": MANY}, 3),
        ("openai_responses", {"instructions": LONG, "input": LONG}, 2),
        ("openai_responses", {"input": SAID}, 1),
        ("gemini", {"contents": [{"role": "user", "parts": [{"text": LONG}]}]}, 1),
    ],
)
def test_texts_are_known_in_every_dialect(kind: str, fields: dict[str, Any], texts: int) -> None:
    """Instructions, messages, their parts, and what tools have answered in plain words."""
    assert len(prompt(kind, **fields).beginnings) == texts


THOUGHT = {"type": "thinking", "thinking": LONG}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + LONG}}
FILE = {"type": "input_file", "file_data": LONG}
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": LONG}}


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("openai_chat", {"messages": [{"role": "user", "content": [IMAGE]}]}),
        ("openai_chat", {"messages": [{"role": "assistant", "tool_calls": [CALL]}]}),
        ("openai_chat", {"tools": [{"type": "function", "function": {"description": LONG}}]}),
        ("openai_responses", {"input": [{"role": "user", "content": [FILE]}]}),
        ("openai_responses", {"input": [{"type": "reasoning", "content": LONG}]}),
        ("anthropic_messages", {"messages": [{"role": "assistant", "content": [THOUGHT]}]}),
        ("gemini", {"contents": [{"parts": [{"thought": True, "text": LONG}]}]}),
        ("openai_chat", {"messages": [{"role": "user", "content": "x" * (FIRST_BYTES - 2)}]}),
    ],
)
def test_nothing_but_texts_is_known_by_what_it_begins_with(
    kind: str, fields: dict[str, Any]
) -> None:
    """Files are not read from their beginning on, tools are told in another order, thoughts may
    not have been measured, and what is short is known as a whole.
    """
    assert prompt(kind, **fields).beginnings == []


@given(st.lists(st.integers(0, 12_000), min_size=1, max_size=8), st.integers(0, 8))
def test_what_goes_on_has_the_blocks_of_what_is_new(sizes: list[int], known: int) -> None:
    """Long texts among short ones, in what was known, in what is new, in both."""
    said = [{"role": "user", "content": f"{at} " + "w" * size} for at, size in enumerate(sizes)]
    before = prompt("openai_chat", messages=[{"role": "system", "content": LONG}, *said[:known]])
    members = {
        "messages": Raw(msgspec.json.encode([{"role": "system", "content": LONG}, *said])),
    }
    count = 1 + min(known, len(said))

    further = before.go_on(count, items(members, "messages", "content", count))

    blocks = prompt_dialects()["openai_chat"].read(members)
    assert blocks is not None
    assert (further is None) == (count == 1)
    if further is not None:
        assert said_of(further) == said_of(prompt_of(blocks))


def test_so_many_texts_of_a_prompt_are_known() -> None:
    """What is behind them is known as a whole alone; each has weight where prompts are kept."""
    text = Block("messages[0].content", (b"role", b'"user"', OWN, b'"%b"' % LONG.encode()))
    long = prompt_of(Blocks((), (), [text] * (TEXTS_MAX + 1)))
    kept = Sessions(blocks_max=TEXTS_MAX * (BLOCKS_PER_TEXT + 1))

    kept.keep(1, Last(long, ("account", "model"), 0, 0, 0))

    assert len(long.beginnings) == TEXTS_MAX
    assert len(long.marks) == TEXTS_MAX + 1
    assert kept.get(1) is None


def test_a_text_is_warm_up_to_where_another_was() -> None:
    """As far as the longest place that is kept, while it lives; a whole block goes before."""
    known, cache, other = Warmth(), ("account", "model"), ("second", "model")
    one, two = asked("word " * 5_000 + "one"), asked("word " * 5_000 + "two")
    (places,) = one.beginnings
    for number, tokens, until_ns in ((0, 0, LATER_NS), (2, 3_000, LATER_NS), (4, 5_000, NOW_NS)):
        known.keep(cache, places.mark(number), Prefix(tokens, until_ns))

    assert known.tokens(cache, two, NOW_NS - 1) == 5_000
    assert known.tokens(cache, two, NOW_NS) == 3_000
    assert known.tokens(other, two, NOW_NS) == 0
    assert known.tokens(cache, two, LATER_NS) == 0
    assert known.tokens(cache, asked("words " * 5_000), NOW_NS) == 0
    known.keep(cache, two.marks[-1], Prefix(6_000, LATER_NS))
    assert known.tokens(cache, two, NOW_NS) == 6_000
