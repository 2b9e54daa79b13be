"""A long body is read in one pass as it is in two, or not at all."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from headgate.dialects import body as bodies
from headgate.dialects.body import MEMBERS_MAX
from headgate.dialects.long_body import OBJECTS_MIN, objects_of, open_around
from headgate.dialects.opened import LONG_BYTES, Members
from headgate.units.errors import BODY_INVALID, KEY_DUPLICATE, Refusal

TRAPS = [
    '"messages":[',
    '{"messages":[{"a":1}]}',
    '}],"model":"x',
    '","n":2,"',
    "\\",
    "]",
    "[{}]",
    "",
]
TEXTS = st.sampled_from(TRAPS) | st.text('ab:,{}[]"\\\n é', max_size=6)
KEYS = st.sampled_from(["messages", "model", "n", "role", "content"]) | TEXTS
VALUES = st.recursive(
    st.none() | st.integers(0, 9) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
MESSAGES = st.lists(st.dictionaries(KEYS, VALUES, max_size=3), max_size=3)
MEMBERS = st.lists(st.tuples(KEYS, VALUES), max_size=3)
SPACES = st.sampled_from([b"", b"", b"", b" ", b"\n"])


def test_a_body_of_very_many_members_is_refused() -> None:
    """Each costs time in which nobody else is served; unknown ones are welcome in thousands."""
    members = {f"k{number}": number for number in range(MEMBERS_MAX)}

    taken = bodies.members(json.dumps(members).encode(), frozenset())
    refusal = bodies.members(json.dumps({**members, "more": 1}).encode(), frozenset())

    assert not isinstance(taken, Refusal)
    assert len(taken) == MEMBERS_MAX
    assert isinstance(refusal, Refusal)
    assert refusal.code == BODY_INVALID


@st.composite
def written(draw: st.DrawFn) -> bytes:
    """Write a body, compact or nearly so; keys may stand in it twice, `messages` as well."""
    members = draw(st.permutations([*draw(MEMBERS), ("messages", draw(MESSAGES))]))
    pieces = []
    for key, value in members:
        separators = (draw(st.sampled_from([",", ",", ", "])), ":")
        text = json.dumps(value, separators=separators).encode()
        name = json.dumps(key).encode()
        pieces.append(b"%b%b:%b%b" % (draw(SPACES), name, draw(SPACES), text))
    return b"{%b}" % b",".join(pieces)


@given(body=written())
def test_one_pass_reads_what_two_passes_read(body: bytes) -> None:
    """Or it says that it cannot; it never reads a body in which a key stands twice."""
    objects = objects_of(body, "messages")
    values = msgspec.json.decode(body, type=dict[str, Raw])
    keys = [key for key, _ in json.loads(body, object_pairs_hook=list)]

    opened = None if objects is None else open_around(body, "messages", objects)

    if opened is not None:
        found = opened.values
        assert objects == msgspec.json.decode(values["messages"], type=list[dict[str, Raw]])
        assert list(found.items()) == list(values.items())
        assert len(keys) == len(set(keys))


@given(messages=MESSAGES, others=st.dictionaries(st.text("abc", max_size=2), VALUES, max_size=3))
def test_a_body_without_whitespace_is_read_in_one_pass(
    messages: list[dict[str, Any]], others: dict[str, Any]
) -> None:
    """Wherever its conversation stands, and whatever is said there in keys without escapes."""
    plain = [{f"k{number}": each for number, each in enumerate(one.values())} for one in messages]
    for fields in ({"messages": plain} | others, others | {"messages": plain}):
        body = json.dumps(fields, separators=(",", ":")).encode()
        objects = objects_of(body, "messages")
        assert objects is not None

        opened = open_around(body, "messages", objects)

        # What stands before it may look like the conversation.
        twice = body.count(b'"messages":') > 1
        whole = msgspec.json.decode(body, type=dict[str, Raw])
        assert twice or (opened is not None and opened.values == whole)


@pytest.mark.parametrize("count", [1, OBJECTS_MIN + 1])
def test_a_long_body_has_its_members_and_the_objects_of_its_conversation(count: int) -> None:
    """With many of them too, when the members take a pass of their own."""
    said = [{"role": "user", "content": "w" * (LONG_BYTES // count)}] * count
    body = json.dumps({"model": "m", "messages": said}, separators=(",", ":")).encode()

    found = bodies.read(msgspec.json.Decoder(dict), body, frozenset({"model"}), ("messages",))

    assert isinstance(found, tuple)
    members = found[1]
    assert isinstance(members, Members)
    assert members == msgspec.json.decode(body, type=dict[str, Raw])
    assert members.objects(members["messages"]) == msgspec.json.decode(
        members["messages"], type=list[dict[str, Raw]]
    )


@pytest.mark.parametrize("named", ["messages", "Messages", "model"])
def test_a_key_that_stands_twice_in_a_long_body_is_refused(named: str) -> None:
    """Before the conversation and behind it."""
    said = json.dumps([{"role": "user", "content": "w" * LONG_BYTES}], separators=(",", ":"))
    for text in (
        f'{{"model":"m","messages":{said},"{named}":[]}}',
        f'{{"{named}":[],"model":"m","messages":{said}}}',
    ):
        decoder = msgspec.json.Decoder(dict[str, Raw])

        found = bodies.read(decoder, text.encode(), frozenset({"model", "messages"}), ("messages",))

        assert isinstance(found, Refusal)
        assert found.code is KEY_DUPLICATE
