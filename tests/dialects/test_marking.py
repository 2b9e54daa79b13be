"""Setting cache breakpoints: four at most, where they may stand, and nothing else changes."""

import json
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from headgate.dialects.anthropic_messages import edit, read
from headgate.dialects.prompts.anthropic_messages import mark
from headgate.dialects.prompts.registry import Marked, Wanted
from headgate.dialects.splice import SpliceError, splice_items
from headgate.records.demand import Demand, Edit

MARK = {"type": "ephemeral"}
ALL = Wanted(head=True, turns=True, bytes_min=0)

TEXT = st.text(max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
BLOCK = st.one_of(
    st.fixed_dictionaries({"type": st.just("text"), "text": TEXT}),
    st.fixed_dictionaries({"type": st.just("thinking"), "thinking": TEXT}),
    st.fixed_dictionaries({"type": st.just("tool_result"), "content": TEXT, "x": JSON}),
)
TURN = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["user", "assistant"]),
        "content": TEXT | st.lists(BLOCK, max_size=3),
    }
)
BODY = st.fixed_dictionaries(
    {"model": st.just("m"), "max_tokens": st.just(9), "messages": st.lists(TURN, max_size=5)},
    optional={
        "system": TEXT | st.lists(BLOCK, max_size=2),
        "tools": st.lists(st.fixed_dictionaries({"name": TEXT, "input_schema": JSON}), max_size=3),
        "other": JSON,
    },
)
INDENT = st.none() | st.integers(0, 2)


def demand_of(body: bytes) -> Demand:
    """Return what a body asks for, which must be readable."""
    demand = read(body)
    assert isinstance(demand, Demand), demand
    return demand


def sent(body: bytes, marked: Marked) -> bytes:
    """Return the body as it goes upstream."""
    return edit(body, demand_of(body), Edit("m", 9, "max_tokens", changed=marked.changed))


def marks_of(value: Any) -> int:
    """Return how many marks there are."""
    if isinstance(value, list):
        return sum(map(marks_of, value))
    if isinstance(value, Mapping):
        return sum(map(marks_of, value.values())) + (value.get("cache_control") == MARK)
    return 0


def plain(content: Any) -> Any:
    """Return a content without marks, a list of one text as the text it was or could be."""
    if not isinstance(content, list):
        return content
    blocks = [{key: part[key] for key in part if key != "cache_control"} for part in content]
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"} and blocks[0]["type"] == "text":
        return blocks[0]["text"]
    return blocks


def normal(body: Any) -> Any:
    """Return a body without marks."""
    told = dict(body)
    for name in ("system", "tools"):
        if name in told:
            told[name] = plain(told[name])
    told["messages"] = [{**turn, "content": plain(turn["content"])} for turn in told["messages"]]
    return told


@given(body=BODY, indent=INDENT)
def test_marks_are_all_that_is_new(body: dict[str, Any], indent: int | None) -> None:
    """Whatever the body and its blanks: at most four marks, each at its path, nothing else."""
    raw = json.dumps(body, indent=indent).encode()

    marked = mark(demand_of(raw).members, ALL)
    after = json.loads(sent(raw, marked))

    assert normal(after) == normal(body)
    assert marks_of(after) == len(marked.paths) <= 4
    for path in marked.paths:
        assert _at(after, path)["cache_control"] == MARK


def _at(body: Any, path: str) -> Any:
    """Return what stands at a path; the block of a text that became one."""
    for name in path.replace("]", "").replace("[", ".").split("."):
        body = body[int(name)] if isinstance(body, list) else body[name]
    return body[0] if isinstance(body, list) else body


@given(body=BODY)
def test_what_is_marked_is_not_marked_again(body: dict[str, Any]) -> None:
    """A body that has marks, whoever set them, is left as it is."""
    raw = json.dumps(body).encode()
    once = sent(raw, marked := mark(demand_of(raw).members, ALL))

    again = mark(demand_of(once).members, ALL)

    assert not marked.paths or again == Marked({}, ())


def test_where_marks_stand() -> None:
    """Behind the last tool that is loaded, the instructions, and the last two user turns."""
    body = {
        "model": "m",
        "max_tokens": 9,
        "tools": [{"name": "a"}, {"name": "b", "defer_loading": True}],
        "system": "Be brief.",
        "messages": [
            {"role": "user", "content": "one"},
            {"role": "user", "content": "two"},
            {"role": "assistant", "content": "so"},
            {"role": "user", "content": [{"type": "text", "text": "x"}, {"type": "thinking"}]},
            {"role": "assistant", "content": "{"},
        ],
    }
    raw = json.dumps(body).encode()

    marked = mark(demand_of(raw).members, ALL)

    assert marked.paths == ("tools[0]", "system", "messages[1].content", "messages[3].content[0]")
    assert marked.turns


@pytest.mark.parametrize(
    ("said", "marked"),
    [
        pytest.param(
            {"type": "tool_result", "content": [{"cache_control": MARK}]}, False, id="deep"
        ),
        pytest.param({"type": "text", "text": '"cache_control": {}'}, True, id="only spoken of"),
    ],
)
def test_a_mark_is_told_from_a_word_about_marks(said: dict[str, Any], marked: bool) -> None:
    """A fifth mark would be refused, so none is added to others; a text about them is a text."""
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": [said]}]}

    found = mark(demand_of(json.dumps(body).encode()).members, ALL)

    assert bool(found.paths) is marked


def test_what_is_not_wanted_or_too_short_is_not_marked() -> None:
    """The head alone, and only where the prefix has the bytes."""
    body = {"model": "m", "max_tokens": 9, "system": "s" * 90, "tools": [{"name": "a"}]}
    raw = json.dumps({**body, "messages": [{"role": "user", "content": "q" * 90}]}).encode()
    members = demand_of(raw).members

    head = mark(members, Wanted(head=True, turns=False, bytes_min=80))
    short = mark(members, Wanted(head=True, turns=True, bytes_min=150))

    assert (head.paths, head.turns) == (("system",), False)
    assert short.paths == ("messages[0].content",)
    assert mark(members, Wanted(head=True, turns=True, bytes_min=1_000)).paths == ()


@given(items=st.lists(JSON, max_size=6), which=st.sets(st.integers(0, 5)), indent=INDENT)
def test_splicing_items_changes_no_other_byte(
    items: list[Any], which: set[int], indent: int | None
) -> None:
    """The new items are there, and the bytes between and around them are as they were."""
    body = json.dumps(items, indent=indent).encode()
    raws = msgspec.json.decode(body, type=list[Raw])
    chosen = {number for number in which if number < len(items)}

    same = splice_items(body, raws, {number: bytes(raws[number]) for number in chosen})
    changed = splice_items(body, raws, dict.fromkeys(chosen, b'"new"'))

    assert same == body
    expected = ["new" if number in chosen else item for number, item in enumerate(items)]
    assert json.loads(changed) == expected


def test_items_of_another_array_are_refused() -> None:
    """What does not lie where it must be is a bug of ours, and is found."""
    with pytest.raises(SpliceError):
        splice_items(b"[1, 2]", [Raw(b"1"), Raw(b"3")], {1: b"4"})
