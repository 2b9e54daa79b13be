"""The members of a long body are decoded once, and nobody takes anything out of them."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from headgate.caches.prompt import prompt_of
from headgate.dialects.opened import LONG_BYTES, Members
from headgate.dialects.prompts.registry import prompt_dialects
from headgate.records.demand import Demand
from tests.dialects.translation.requests import REQUESTS
from tests.dialects.translation.speech import CHAT, DIALECTS, KINDS, TRANSLATORS


@given(data=st.data())
@pytest.mark.parametrize("client", KINDS)
def test_a_long_body_means_what_its_bytes_mean(client: str, data: st.DataObject) -> None:
    """Whoever looked into it before, for its blocks or for its meaning, and as often as it is."""
    body = json.dumps(data.draw(REQUESTS[client])).encode()
    values = msgspec.json.decode(body, type=dict[str, Raw])
    blocks, long = prompt_dialects()[client], Members(values)
    plain, opened = blocks.read(values), blocks.read(long)

    found = [TRANSLATORS[client].parse_call(long) for _ in range(2)]

    assert found == [TRANSLATORS[client].parse_call(body)] * 2
    assert long == values
    assert plain is not None
    assert opened is not None
    assert prompt_of(opened).marks == prompt_of(plain).marks


def test_only_long_bodies_are_remembered() -> None:
    """A short one is cheaper to decode again."""
    for size, kept in ((10, False), (LONG_BYTES, True)):
        body = {"model": "m", "messages": [{"role": "user", "content": "a" * size}]}

        demand = DIALECTS[CHAT].read(json.dumps(body).encode())

        assert isinstance(demand, Demand)
        assert isinstance(demand.members, Members) == kept


@given(data=st.data())
@pytest.mark.parametrize("client", KINDS)
def test_no_more_of_a_prompt_is_firm_than_stands_in_its_body(
    client: str, data: st.DataObject
) -> None:
    """What a message says beside its parts is in the body once, however many parts it has."""
    fields = data.draw(REQUESTS[client])
    for name in ("messages", "input", "contents"):
        for item in fields.get(name, ()):
            if isinstance(item, dict):
                item["beside"] = "b" * data.draw(st.integers(0, 500))
    body = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
    blocks = prompt_dialects()[client].read(msgspec.json.decode(body, type=dict[str, Raw]))

    assert blocks is not None
    assert [0, *prompt_of(blocks).firm][-1] <= len(body)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            {"role": "user", "content": [{"type": "text", "text": "T"}]},
            {"role": "user", "content": [{"type": "ignored", "text": "T"}]},
        ),
        (
            {"role": "user", "content": [{"type": "x", "text": "T", "y": 1}]},
            {"role": "user", "type": "x", "text": "T", "y": 1},
        ),
    ],
)
def test_what_a_provider_may_read_otherwise_is_another_block(
    one: dict[str, object], other: dict[str, object]
) -> None:
    """A text of a type that nobody knows is no text; a message's own members are not its part's."""
    marks = []
    for message in (one, other):
        body = json.dumps({"messages": [message]}).encode()
        blocks = prompt_dialects()[CHAT].read(msgspec.json.decode(body, type=dict[str, Raw]))
        assert blocks is not None
        marks.append(prompt_of(blocks).marks[-1])

    assert marks[0] != marks[1]
