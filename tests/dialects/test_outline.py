"""A long body is read by its outline: as the body itself is, with all that decides."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw
from msgspec.structs import replace

from headgate.dialects import anthropic_messages, gemini, openai_chat, openai_responses
from headgate.dialects.opened import LONG_BYTES, Members
from headgate.dialects.outline import OBJECT_BYTES_MIN, TEXT_BYTES_MIN, outline
from headgate.records.demand import Demand
from headgate.units.errors import Refusal
from tests.dialects.translation.requests import REQUESTS
from tests.dialects.translation.speech import KINDS

READERS: dict[str, Callable[[bytes], Demand | Refusal]] = {
    each.KIND: each.read for each in (anthropic_messages, gemini, openai_chat, openai_responses)
}
LONG = 'a text of "any" length, ' * 800
PROMPT = ("messages", "system")


def lengthened(value: Any, chance: st.DataObject) -> Any:
    """Make some texts of a body long, whatever they are."""
    if isinstance(value, str):
        return value + LONG if chance.draw(st.integers(0, 2)) == 0 else value
    if isinstance(value, list):
        return [lengthened(each, chance) for each in value]
    if isinstance(value, dict):
        return {
            key: each if key in ("type", "role", "model") else lengthened(each, chance)
            for key, each in value.items()
        }
    return value


def outlined(body: dict[str, Any]) -> Any:
    """Return what is left of a body, None when it has no outline."""
    text = json.dumps(body).encode()
    brief = outline(Members(msgspec.json.decode(text, type=dict[str, Raw])), PROMPT)
    return None if brief is None else json.loads(brief)


@given(data=st.data())
@pytest.mark.parametrize("client", [kind for kind in KINDS if kind in READERS])
def test_a_long_body_is_read_as_if_there_were_no_outline(client: str, data: st.DataObject) -> None:
    """Whatever is long in it: images, documents, tools and limits are seen, mistakes refused."""
    fields = lengthened(data.draw(REQUESTS[client]), data)

    found, plain = (read(client, fields, said) for said in ("ee", "é"))

    assert found == plain


def read(client: str, fields: dict[str, Any], said: str) -> Demand | Refusal:
    """Read a body; one that is not ASCII is read without an outline."""
    body = f'{json.dumps(fields)[:-1]}, "said": "{said}"}}'.encode()
    found = READERS[client](body)
    return replace(found, members={}) if isinstance(found, Demand) else found


def test_long_texts_are_left_out_and_nothing_else() -> None:
    """Of the prompt alone, and no kind: what is asked for, and what it holds, decide."""
    short = "s" * (TEXT_BYTES_MIN - 2)
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    said = [{"role": "user", "content": [{"type": "text", "text": LONG}, image]}]
    body = {"model": LONG, "system": LONG, "messages": said, "user": short, "n": 2}

    brief = outlined(body)

    said[0]["content"] = [{"type": "text", "text": ""}, image]
    assert brief == body | {"system": "", "messages": said}
    assert outlined({"messages": [{"type": LONG}]}) == {"messages": [{"type": LONG}]}


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": "x" * (OBJECT_BYTES_MIN // 4)}] * 16,
        [{"role": "user", "content": {"type": "odd", "text": LONG}}],
        [LONG, {"role": "user"}],
        {"role": "user", "content": LONG},
    ],
)
def test_what_is_long_for_other_reasons_has_no_outline(messages: Any) -> None:
    """Many short messages, objects, and what is no list of objects are read as they are."""
    assert outlined({"messages": messages}) is None


def test_what_is_wrong_in_a_long_body_is_told_by_its_own_place() -> None:
    """An outline that is refused is not what the client sent."""
    said = [{"role": "user", "content": LONG}, {"role": "user", "content": LONG, "audio": 5}]
    body = {"model": "m", "messages": said, "n": 0}

    refusal = openai_chat.read(json.dumps(body).encode())

    assert isinstance(refusal, Refusal)
    assert refusal.param in ("n", "messages[1].audio")
    assert len(json.dumps(body)) > LONG_BYTES
