"""Bodies that are put together anew, for providers that refuse some members or want others."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from headgate.dialects import anthropic_messages, openai_chat
from headgate.dialects.anthropic_edit import THINKING_TOKENS_MIN, thinking_within
from headgate.records.demand import Demand, Edit
from headgate.units.errors import Refusal

RAW = msgspec.json.Decoder(dict[str, Raw])
KEYS = st.sampled_from(["stop", "seed", "metadata", "top_k", 'a "key"', "clé"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
ANTHROPIC = Edit(
    model="sent",
    output_tokens_max=500,
    limit_field="max_tokens",
    dropped=frozenset({"model", "stream"}),
    members={"anthropic_version": b'"v"'},
)
OPENAI = Edit(
    model="sent",
    output_tokens_max=500,
    limit_field="max_tokens",
    limit_needed=True,
    ask_usage=False,
    dropped=frozenset({"stream_options", "max_completion_tokens"}),
)


def demand_of(read: Demand | Refusal) -> Demand:
    assert isinstance(read, Demand), read
    return read


@given(
    others=st.dictionaries(KEYS, VALUES),
    limit=st.integers(0, 1000),
    stream=st.booleans(),
    indent=st.sampled_from([None, 2]),
)
def test_an_anthropic_body_loses_what_the_path_says(
    others: dict[str, Any], limit: int, stream: bool, indent: int | None
) -> None:
    """Model and stream go, the version comes, the limit is kept; all else is as it stood."""
    fields = {**others, "model": "asked", "max_tokens": limit, "stream": stream}
    body = json.dumps(fields, indent=indent).encode()

    new = anthropic_messages.edit(body, demand_of(anthropic_messages.read(body)), ANTHROPIC)

    assert json.loads(new) == {**others, "max_tokens": min(limit, 500), "anthropic_version": "v"}
    before, after = RAW.decode(body), RAW.decode(new)
    assert all(bytes(before[key]) == bytes(after[key]) for key in others)


def test_a_version_of_the_clients_own_stays() -> None:
    """A member is added only where the body has none of its name."""
    body = b'{"model":"m","max_tokens":5,"anthropic_version":"mine"}'

    new = anthropic_messages.edit(body, demand_of(anthropic_messages.read(body)), ANTHROPIC)

    assert new == b'{"anthropic_version":"mine","max_tokens":5}'


@given(
    others=st.dictionaries(KEYS, VALUES),
    limits=st.dictionaries(
        st.sampled_from(["max_tokens", "max_completion_tokens"]), st.integers(1, 1000)
    ),
    wanted=st.none() | st.booleans(),
)
def test_an_openai_limit_is_sent_under_the_name_that_is_known(
    others: dict[str, Any], limits: dict[str, int], wanted: bool | None
) -> None:
    """The lowest limit stands under the one name; options that are refused are not sent."""
    fields = {**others, **limits, "model": "asked", "stream": True}
    if wanted is not None:
        fields["stream_options"] = {"include_usage": wanted}
    body = json.dumps(fields).encode()

    new = json.loads(openai_chat.edit(body, demand_of(openai_chat.read(body)), OPENAI))

    limit = min([500, *([limits["max_tokens"]] if "max_tokens" in limits else limits.values())])
    assert new == {**others, "model": "sent", "stream": True, "max_tokens": limit}


@given(
    budget=st.integers(THINKING_TOKENS_MIN, 100_000),
    room=st.integers(1, 100_000),
    lowered=st.integers(1, 100_000),
)
def test_thinking_stays_below_a_lowered_limit(budget: int, room: int, lowered: int) -> None:
    """A budget below its limit is still below it afterwards, never raised, never too small."""
    limit = budget + room
    lowered = min(lowered, limit)

    new = thinking_within(budget, limit, lowered)

    assert new is not None
    assert THINKING_TOKENS_MIN <= new <= budget
    if lowered > THINKING_TOKENS_MIN:
        assert new < lowered


def test_a_lowered_limit_takes_the_thinking_budget_with_it() -> None:
    """Only the two numbers change, the budget in the proportion of the limit."""
    body = (
        b'{"model":"m","max_tokens":32000, "thinking": {"type": "enabled", "budget_tokens":16000}}'
    )
    demand = demand_of(anthropic_messages.read(body))

    new = anthropic_messages.edit(body, demand, Edit("m", 8000, "max_tokens"))

    assert new == body.replace(b"32000", b"8000").replace(b"16000", b"4000")
    assert demand.output_tokens_min == THINKING_TOKENS_MIN + 1


def test_interleaved_thinking_keeps_its_budget() -> None:
    """A budget that was above the limit from the start is the client's own affair."""
    body = b'{"model":"m","max_tokens":4000,"thinking":{"type":"enabled","budget_tokens":9000}}'
    demand = demand_of(anthropic_messages.read(body))

    new = anthropic_messages.edit(body, demand, Edit("m", 2000, "max_tokens"))

    assert new == body.replace(b"4000", b"2000")


@pytest.mark.parametrize(
    "inner", ['"budget_tokens":1024,"budget_tokens":9000', '"Budget_Tokens":1']
)
def test_a_thinking_budget_stands_once(inner: str) -> None:
    """Which of two budgets counts would be the provider's choice, so neither is taken."""
    body = '{"model":"m","max_tokens":9999,"thinking":{' + inner + "}}"

    refusal = anthropic_messages.read(body.encode())

    assert isinstance(refusal, Refusal)
    assert refusal.code.code == "key_duplicate"
