"""Bodies are changed in place: exactly the documented changes, every other byte as it was."""

import json
import tracemalloc
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.dialects import anthropic_messages, openai_chat
from headgate.dialects.opened import LONG_BYTES
from headgate.dialects.splice import SpliceError, duplicate_key, said_by, splice
from headgate.records.demand import Demand, Edit
from headgate.units.errors import KEY_DUPLICATE, Refusal

LOOK_ALIKES = ["max_tokens", "max_completion_tokens", "model", "stream_options", "stream", "n"]
TEXTS = st.text(max_size=8) | st.sampled_from(['{"max_tokens": 1}', '","model":"x', "\\", '"'])
KEYS = st.sampled_from(LOOK_ALIKES) | TEXTS
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 10**6) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
SPACES = st.sampled_from([b"", b" ", b"\n\t", b"\r\n"])
MESSAGES = st.sampled_from([[], [{"role": "user", "content": LONG_BYTES * "w"}]])
"""A long body is checked after a change by the members in question alone."""
LIMITS = st.none() | st.integers(1, 10**6)


def spelled(draw: st.DrawFn, text: str) -> bytes:
    """Spell a text as JSON, each sign as it is or as an escape."""
    signs = []
    for sign in text:
        plain = json.dumps(sign, ensure_ascii=False)[1:-1]
        escaped = json.dumps(sign)[1:-1] if ord(sign) > 127 else f"\\u{ord(sign):04x}"
        signs.append(escaped if draw(st.integers(0, 5)) == 0 else plain)
    return f'"{"".join(signs)}"'.encode()


@st.composite
def objects(draw: st.DrawFn, fields: dict[str, Any], twice: bool = False) -> bytes:
    """Write `fields` and unknown ones as JSON, in any order, spelling and spacing."""
    named = (*LOOK_ALIKES, *openai_chat._NAMED, *anthropic_messages._NAMED)
    known = {name.casefold() for name in named}
    unknown = draw(st.dictionaries(TEXTS.filter(lambda key: key.casefold() not in known), VALUES))
    members = [*fields.items(), *unknown.items()]
    if twice:
        members.append(draw(st.sampled_from(members)))
    pieces = []
    spaces = draw(st.sampled_from([SPACES, st.just(b"")]))
    for key, value in draw(st.permutations(members)):
        a, b, c, d = (draw(spaces) for _ in range(4))
        text = json.dumps(value, ensure_ascii=draw(st.booleans())).encode("utf-8", "strict")
        pieces.append(a + spelled(draw, key) + b + b":" + c + text + d)
    return draw(spaces) + b"{" + b",".join(pieces) + b"}" + draw(spaces)


@st.composite
def openai_bodies(draw: st.DrawFn, twice: bool = False) -> bytes:
    fields: dict[str, Any] = {"model": draw(TEXTS), "messages": draw(MESSAGES)}
    for name in ("max_tokens", "max_completion_tokens"):
        if draw(st.booleans()):
            fields[name] = draw(LIMITS)
    for name, values in {
        "stream": st.none() | st.booleans(),
        "n": st.none() | st.integers(1, 128),
        "stream_options": st.none()
        | st.fixed_dictionaries(
            {},
            optional={
                "include_usage": st.none() | st.booleans(),
                "include_obfuscation": st.booleans(),
            },
        ),
        "response_format": VALUES,
    }.items():
        if draw(st.booleans()):
            fields[name] = draw(values)
    return draw(objects(fields, twice))


EDITS = st.builds(
    Edit,
    model=TEXTS,
    output_tokens_max=st.integers(1, 10**6),
    limit_field=st.sampled_from(["max_tokens", "max_completion_tokens"]),
    limit_needed=st.booleans(),
    ask_usage=st.booleans(),
    dropped=st.just(frozenset[str]()),
    members=st.just({}),
)


def intended(body: dict[str, Any], edit: Edit) -> dict[str, Any]:
    """Say in plain words what an edit of an OpenAI body must come to."""
    new = dict(body) | {"model": edit.model}
    lowest = edit.output_tokens_max
    for name in ("max_tokens", "max_completion_tokens"):
        if name in new:
            given_limit = edit.output_tokens_max if new[name] is None else new[name]
            new[name] = min(given_limit, edit.output_tokens_max)
            lowest = min(lowest, new[name])
    has_limit = "max_tokens" in new or "max_completion_tokens" in new
    if edit.limit_needed or not has_limit:
        new.setdefault(edit.limit_field, lowest)
    if edit.ask_usage and new.get("stream"):
        new["stream_options"] = (new.get("stream_options") or {}) | {"include_usage": True}
    return new


@given(body=openai_bodies(), edit=EDITS)
def test_an_openai_body_is_changed_as_documented(body: bytes, edit: Edit) -> None:
    """Whatever the order, spelling and spacing: the changes, all of them, and nothing else."""
    demand = openai_chat.read(body)
    assert isinstance(demand, Demand), demand

    new = openai_chat.edit(body, demand, edit)

    assert json.loads(new) == intended(json.loads(body), edit)
    assert new is body or new != body
    again = openai_chat.read(new)
    assert isinstance(again, Demand)
    assert openai_chat.edit(new, again, edit) is new


@given(
    fields=st.fixed_dictionaries(
        {"model": TEXTS, "max_tokens": st.integers(0, 10**6), "messages": MESSAGES}
    ),
    draw=st.data(),
    edit=EDITS,
)
def test_an_anthropic_body_is_changed_as_documented(
    fields: dict[str, Any], draw: st.DataObject, edit: Edit
) -> None:
    """Model and limit are replaced; a limit that is low enough stays as it is spelled."""
    body = draw.draw(objects(fields))
    demand = anthropic_messages.read(body)
    assert isinstance(demand, Demand), demand

    new = anthropic_messages.edit(body, demand, edit)

    limit = min(fields["max_tokens"], edit.output_tokens_max)
    assert json.loads(new) == json.loads(body) | {"model": edit.model, "max_tokens": limit}


@given(body=openai_bodies(twice=True))
def test_a_key_that_stands_twice_is_always_found(body: bytes) -> None:
    """No order, spelling or spacing hides a second key, even of an equal value."""
    refusal = openai_chat.read(body)

    assert isinstance(refusal, Refusal)
    assert refusal.code == KEY_DUPLICATE


@given(body=objects({"alpha": {"alpha": 1, "omega": [2]}, "omega": "x"}), new=VALUES, first=VALUES)
def test_the_bytes_outside_a_splice_are_identical(body: bytes, new: Any, first: Any) -> None:
    """What stands before and after a replaced value, and after an added one, is untouched."""
    values = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    text, fresh = json.dumps(new).encode(), json.dumps(first).encode()

    changed = splice(body, values, {"alpha": text}, {"added": fresh})

    old = bytes(values["alpha"])
    added = b'"added":' + fresh + b","
    assert len(changed) == len(body) - len(old) + len(text) + len(added)
    at = body.index(b"{") + 1
    assert changed.startswith(body[:at] + added)
    rest = changed.removeprefix(body[:at] + added)
    same = 0
    while same < len(body) - at and rest[same : same + 1] == body[at + same : at + same + 1]:
        same += 1
    tails = (rest.removesuffix(body[start + len(old) :]) for start in _places(body, old))
    assert any(tail != rest and tail.endswith(text) for tail in tails)
    assert json.loads(changed) == json.loads(body) | {"alpha": new, "added": first}


def _places(body: bytes, piece: bytes) -> list[int]:
    return [at for at in range(len(body)) if body.startswith(piece, at)]


def test_a_splice_refuses_a_key_that_stands_twice() -> None:
    """A body that was not checked before is not changed at a guess."""
    body = b'{"a":1,"a":1}'
    values = msgspec.json.decode(body, type=dict[str, msgspec.Raw])

    assert duplicate_key(body, values) == "a"
    with pytest.raises(SpliceError, match="'a' stands in the body twice"):
        splice(body, values, {"a": b"2"}, {})


def test_what_is_not_where_it_was_counted_to_is_not_replaced() -> None:
    """Values that are no slices of the body, though as long as those, are found out."""
    values = msgspec.json.decode(b'{"b":1,"a":2}', type=dict[str, msgspec.Raw])

    with pytest.raises(SpliceError, match="not where it must be"):
        splice(b'{"a":1,"b":2}', values, {"a": b"3"}, {})


def test_of_a_long_body_the_members_in_question_are_read_again() -> None:
    """They are as they were changed; a short body is read again itself."""
    values = msgspec.json.decode(b'{"model":"a","n":2,"seed":3}', type=dict[str, msgspec.Raw])
    changes = {"model": b'"b"'}, {"limit": b"5"}

    said = said_by(LONG_BYTES * b" ", values, {"model", "n"}, *changes)

    assert json.loads(said) == {"model": "b", "n": 2, "limit": 5}
    assert json.loads(said_by(LONG_BYTES * b" ", values, {"n"}, *changes, ["limit"])) == {"n": 2}
    assert said_by(b"{}", values, {"model"}, *changes) == b"{}"


CRAFTED = [
    b'{"a":{"x":0,"b":1},"b":1,"a":{"x":0}}',
    b'{"a":"1\\",\\"b\\":2}","b":2,"a":"1"}',
    b'{"a":12,"b":2,"a":1}',
    b'{"a":[1],"b":2,"a":[1,{"b":2}]}',
    b'{"a":1,"b":{"a":1},"b":{"a":1}}',
    b'{"b":1,"a":1,"a":1 }',
]


@pytest.mark.parametrize("body", CRAFTED)
def test_crafted_duplicates_are_found(body: bytes) -> None:
    """Values that begin alike, or hold what should follow them, do not lead the walk astray."""
    values = msgspec.json.decode(body, type=dict[str, msgspec.Raw])

    assert duplicate_key(body, values) is not None


def test_a_key_of_escapes_is_read_with_no_memory_for_each() -> None:
    """To find where its value begins takes a little more than the key, however it is spelled."""
    body = b'{"' + b"\\n" * 500_000 + b'": 1}'
    values = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    tracemalloc.start()

    try:
        assert duplicate_key(body, values) is None
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 4 * len(body)
