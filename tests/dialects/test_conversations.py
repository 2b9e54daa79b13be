"""A conversation that goes on is read from where it was left: as it is read afresh, or not so."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from msgspec import Raw, Struct
from msgspec.structs import replace

from headgate.caches.prompt import Prompt, prompt_of
from headgate.dialects import anthropic_messages, gemini, openai_chat, openai_responses
from headgate.dialects import body as bodies
from headgate.dialects.bones import (
    BONES_BYTES_MAX,
    BONES_BYTES_MIN,
    DECISIVE,
    DEPTH_MAX,
    KIND_BYTES_MAX,
    bones_of,
)
from headgate.dialects.conversations import Conversations, Theirs
from headgate.dialects.long_body import is_utf8
from headgate.dialects.opened import LARGE_BYTES, LONG_BYTES, Members
from headgate.dialects.prompts.block import items
from headgate.dialects.prompts.registry import prompt_dialects
from headgate.dialects.registry import ConversationDialect
from headgate.records.demand import Demand
from headgate.units.errors import Refusal
from tests.dialects.translation.requests import REQUESTS

READERS: dict[str, ConversationDialect] = {
    each.KIND: each for each in (anthropic_messages, gemini, openai_chat, openai_responses)
}
LONG = "what was said at length, " * (LONG_BYTES // 25 + 1)
FIRST: dict[str, dict[str, Any]] = {
    "anthropic_messages": {"role": "user", "content": LONG},
    "gemini": {"role": "user", "parts": [{"text": LONG}]},
    "openai_chat": {"role": "user", "content": [{"type": "text", "text": LONG}]},
    "openai_responses": {"role": "user", "content": LONG},
}
EVERY = pytest.mark.parametrize("kind", sorted(READERS))


def theirs() -> Theirs:
    """Return the conversations of a caller who has sent nothing yet."""
    return Conversations(1).of("alice", "any")


def written(fields: dict[str, Any], *, ascii_only: bool = True) -> bytes:
    """Write a body as clients do."""
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=ascii_only).encode()


def asked(kind: str, data: st.DataObject) -> tuple[dict[str, Any], str, list[Any]]:
    """Return a request, the name of its conversation, and a long one with what it says."""
    fields = data.draw(REQUESTS[kind])
    name = READERS[kind].CONVERSATION
    assume(isinstance(fields[name], list))
    return fields, name, [FIRST[kind], *fields[name]]


def read(kind: str, body: bytes, caller: Theirs | None) -> Demand | Refusal:
    """Read a body as one of a caller's, None for nobody's."""
    return READERS[kind].read(body, caller)


def bare(found: Demand | Refusal) -> Demand | Refusal:
    """Return what was read without the members, which are compared apart."""
    return replace(found, members={}) if isinstance(found, Demand) else found


def known(found: Demand | Refusal) -> int:
    """Return how many objects of a conversation were known from before."""
    assert isinstance(found, Demand)
    members = found.members
    return members.opened.known if isinstance(members, Members) and members.opened else 0


def remembered(found: Demand | Refusal) -> list[Any]:
    """Return all that is remembered of what was read."""
    members = found.members if isinstance(found, Demand) else None
    new = members.conversation if isinstance(members, Members) else None
    if new is None:
        return []
    marks = [(mark.objects, mark.size, mark.digest) for mark in new.marks]
    return [marks, new.sizes, new.bones, new.probe, new.aside]


def assert_read_alike(kind: str, body: bytes, caller: Theirs) -> Demand | Refusal:
    """Read a body as one that goes on and as one of nobody's; both say the same."""
    found, afresh = read(kind, body, caller), read(kind, body, None)
    assert bare(found) == bare(afresh)
    if isinstance(found, Demand) and isinstance(afresh, Demand):
        assert list(found.members.items()) == list(afresh.members.items())
        name = READERS[kind].CONVERSATION
        value = found.members.get(name, Raw(b""))
        if isinstance(found.members, Members) and bytes(value).startswith(b"[{") and is_utf8(body):
            objects = msgspec.json.decode(value, type=list[dict[str, Raw]])
            assert found.members.objects(value) == objects
            assert found.members.objects_from(name, known(found)) == objects[known(found) :]
    return found


@EVERY
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(data=st.data())
def test_what_goes_on_is_read_as_if_it_were_new(kind: str, data: st.DataObject) -> None:
    """Call after call, whatever is said in it: images, documents, tools, in any script."""
    fields, name, said = asked(kind, data)
    plain = data.draw(st.booleans())
    if not plain:
        said[0] = json.loads(json.dumps(said[0]).replace("length", "länge", 1))
    caller, before = theirs(), 0
    for count in sorted(data.draw(st.sets(st.integers(1, len(said)), min_size=2, max_size=4))):
        body = written({**fields, name: said[:count]}, ascii_only=plain)

        found = assert_read_alike(kind, body, caller)

        assert not isinstance(found, Demand) or known(found) == before
        assert remembered(found) == remembered(read(kind, body, theirs()))
        before = count if isinstance(found, Demand) else before


@EVERY
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(data=st.data())
def test_a_body_that_was_tampered_with_is_read_as_if_it_were_new(
    kind: str, data: st.DataObject
) -> None:
    """Bytes that are changed, left out or put in, before, inside and behind what is known."""
    fields, name, said = asked(kind, data)
    caller = theirs()
    read(kind, written({**fields, name: said[:-1]}), caller)
    body = bytearray(written({**fields, name: said}))
    known_at = body.index(b'"%b":' % name.encode())
    spots = [*range(known_at + 40), *range(known_at + LONG_BYTES, len(body))]
    for _ in range(data.draw(st.integers(1, 2))):
        at = data.draw(st.sampled_from(spots)) % len(body)
        new = data.draw(st.sampled_from([b"", b",", b"]", b"[", b"{", b"}", b'"', b" ", b"\xff"]))
        body[at : at + data.draw(st.integers(0, 1))] = new

    assert_read_alike(kind, bytes(body), caller)


def chat(*said: Any, **more: Any) -> dict[str, Any]:
    """Return a body of Chat Completions that begins at length."""
    return {"model": "m", "messages": [FIRST["openai_chat"], *said], **more}


TURN = {"role": "user", "content": "and then?"}
AFTER = written(chat(TURN))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"and then?"}]', b'"and then?"},]'),
        (b'"and then?"}]', b'"and then?"},{"role":"user"}]}]'),
        (b'"and then?"}]', b'"and then?"} , {"role":"user"}]'),
        (b'"and then?"}]}', b'"and then?"}],"messages":[]}'),
        (b'{"model"', b'{"messages":[],"model"'),
        (b'{"model":"m"', b'{"model":"m","user":{"messages":[]}'),
        (b'{"model":"m"', b'{"model":"m\\"messages\\":["'),
        (b'"and then?"}]', b'"and then?"},5]'),
        (b'"and then?"}]', b'[{"type":5,"type":"text"}]}]'),
        (b'"and then?"}]', b'[{"content":true,"content":[]}]}]'),
        (b'"and then?"}]', b'{"type":5,"type":"text"}}]'),
        (b'"and then?"}]', b'"and then?"},{"role":"user","content":"\xff"}]'),
        (b'{"model":"m"', b'{"model":"\xff"'),
    ],
)
def test_what_follows_is_judged_as_ever(old: bytes, new: bytes) -> None:
    """A comma too many, keys that stand twice, what is no text or no message."""
    caller = theirs()
    read("openai_chat", AFTER, caller)
    assert old in AFTER

    assert_read_alike("openai_chat", AFTER.replace(old, new), caller)


def test_a_breakpoint_that_moves_along_leaves_the_rest_known() -> None:
    """Agents mark their last messages; with the next call those stand there without a mark."""
    caller = theirs()
    marked = {**TURN, "cache_control": {"type": "ephemeral"}}
    read("openai_chat", written(chat(TURN, TURN, marked)), caller)

    found = assert_read_alike("openai_chat", written(chat(TURN, TURN, TURN, marked)), caller)

    assert known(found) == 3


def item(**fields: Any) -> dict[str, Raw]:
    """Return an object as it is decoded."""
    return msgspec.json.decode(written(fields), type=dict[str, Raw])


def nested(depth: int) -> Any:
    """Return a content within so many others."""
    return {"content": nested(depth - 1)} if depth else []


@pytest.mark.parametrize(
    "content",
    [
        [{"text": ""}] * (BONES_BYTES_MAX // BONES_BYTES_MIN),
        nested(DEPTH_MAX),
        ["a text"],
        [{"content": [{"type": "k" * 40}] * 8}] * 4,
        {"type": "k" * (KIND_BYTES_MAX + 1)},
    ],
)
def test_what_nobody_says_has_no_bones(content: Any) -> None:
    """Each part takes time in which nobody else is served, and memory as long as it is known."""
    assert bones_of({}, item(content=content)) is None


def test_a_body_of_very_many_parts_is_not_remembered() -> None:
    """However they are shared out among messages."""
    caller = theirs()
    parts = {"role": "user", "content": [{"text": ""}] * (BONES_BYTES_MAX // BONES_BYTES_MIN // 2)}
    body = written(chat(*[parts] * 300))
    assert bones_of({}, item(**parts)) is not None

    assert known(read("openai_chat", body, caller)) == 0
    assert known(assert_read_alike("openai_chat", body, caller)) == 0


def test_of_conversations_that_begin_alike_the_one_with_the_most_in_common_goes_on() -> None:
    """Agents of one kind have the same instructions."""
    caller = theirs()
    for number in range(3):
        read("openai_chat", written(chat({"role": "user", "content": f"{number}"}, TURN)), caller)

    found = assert_read_alike(
        "openai_chat", written(chat({"role": "user", "content": "0"}, TURN, TURN)), caller
    )

    assert known(found) == 3


def test_nothing_of_what_was_said_is_kept() -> None:
    """Bones have no text: only what things are, and no key that a client made up."""
    part = {"type": "text", "text": "a secret", "x_secret": 1}
    call = {"id": "a secret", "type": "function", "function": {"name": "secret"}}
    item = {"role": "user", "content": [part, part], "tool_calls": [call], "secret": [1]}

    found = bones_of({}, msgspec.json.decode(written(item), type=dict[str, Raw]))

    assert found == b'{"content":[{"type":"text"} ,{"type":"text"} ]}'
    named = {"type": "k" * KIND_BYTES_MAX}
    assert bones_of({}, msgspec.json.decode(written(named), type=dict[str, Raw])) is None


@EVERY
def test_bones_have_all_that_decides(kind: str) -> None:
    """Whatever a reader decodes of a message, by the names that stand in a body."""
    request = READERS[kind].BODY
    fields = dict(zip(request.__struct_encode_fields__, request.__struct_fields__, strict=True))
    hints = msgspec.inspect.type_info(request)
    assert isinstance(hints, msgspec.inspect.StructType)
    conversation = fields[READERS[kind].CONVERSATION]
    said = next(each.type for each in hints.fields if each.name == conversation)

    names = set(names_in(said, set()))

    assert names
    # `tools` and where they run are looked at in the list of tools alone.
    assert names <= DECISIVE


def names_in(kind: msgspec.inspect.Type, seen: set[type[Struct]]) -> Iterator[str]:
    """Yield the names of all fields inside a type."""
    if isinstance(kind, msgspec.inspect.UnionType):
        for each in kind.types:
            yield from names_in(each, seen)
    elif isinstance(kind, msgspec.inspect.ListType):
        yield from names_in(kind.item_type, seen)
    elif isinstance(kind, msgspec.inspect.StructType) and kind.cls not in seen:
        seen.add(kind.cls)
        for field in kind.fields:
            yield field.encode_name
            yield from names_in(field.type, seen)


@EVERY
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(data=st.data())
def test_a_prompt_that_goes_on_is_hashed_as_if_it_were_new(kind: str, data: st.DataObject) -> None:
    """Blocks, and all up to each; where that cannot be told, it says so."""
    fields, name, said = asked(kind, data)
    dialect = prompt_dialects()[kind]
    said = said[1:]
    count = data.draw(st.integers(1, len(said)))
    otherwise = said[:count] + data.draw(st.lists(st.sampled_from(said), max_size=3))
    values = [
        msgspec.json.decode(written({**fields, name: each}), type=dict[str, Raw])
        for each in (otherwise, said)
    ]
    blocks = [dialect.read(each) for each in values]
    assume(all(each is not None for each in blocks) and "cache_control" not in fields)
    before, afresh = (prompt_of(each) for each in blocks if each is not None)

    found = before.go_on(count, items(values[1], *dialect.CONVERSATION, count))

    if found is None:
        assert sum(item < count for item in before.items[before.turns_from :]) == 0
    else:
        assert parts_of(found) == parts_of(afresh)


def parts_of(prompt: Prompt) -> list[Any]:
    """Return all that a prompt says."""
    counts = [prompt.head, prompt.turns_from, prompt.identity, prompt.lifetimes_s, prompt.paths]
    arrays = (prompt.digests, prompt.marks, prompt.ends, prompt.firm, prompt.items)
    return [*counts, *map(list, arrays)]


@EVERY
def test_a_large_body_that_is_new_is_remembered_in_a_step_of_its_own(kind: str) -> None:
    """What follows it goes on with it; who reads on in one turn has nothing more to do."""
    name, caller = READERS[kind].CONVERSATION, theirs()
    fields: dict[str, Any] = {"model": "m", "max_tokens": 9}
    fields[name] = [FIRST[kind]] * (LARGE_BYTES // LONG_BYTES + 1)
    more = {**fields, name: [*fields[name], FIRST[kind]]}

    found = read(kind, written(fields), caller)

    assert isinstance(found, Demand)
    assert known(read(kind, written(fields), caller)) == 0
    for _ in range(2):
        bodies.remember(written(fields), found.members)
    assert known(assert_read_alike(kind, written(more), caller)) == len(fields[name])
    assert known(assert_read_alike(kind, written(more), caller)) == len(more[name])
