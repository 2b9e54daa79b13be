"""No leaf of a request gets lost in silence: compared on the raw JSON."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.dialects.translation import losses
from headgate.dialects.translation.translated import Translation
from tests.dialects.translation.gemini_requests import sayable
from tests.dialects.translation.requests import REQUESTS
from tests.dialects.translation.speech import (
    CHAT,
    KINDS,
    MESSAGES,
    MODELS,
    TELLERS,
    TRANSLATORS,
    as_read,
    attempt,
    edit,
    is_below,
    leaves,
    said,
)

CARRIED = "input|parameters|parametersJsonSchema|schema|responseJsonSchema|arguments|args|response"
TOLD_ALIKE = re.compile(r"\.response\.error$")
"""That a function failed has no place in some dialects; what it said about it is told."""

MARK = re.compile(r"w\d{5}z|\d{5}")
RENAMED = {
    "type": "a block or form is named as the target names it",
    "role": "so is a role",
    "model": "the deployment's own name is sent",
    "max_tokens": "the limit is the one that money is held for",
    "max_completion_tokens": "so is this one",
    "max_output_tokens": "so is this one",
    "maxOutputTokens": "and this",
    "stream": "a stream is asked for where the client asked for one",
    "reasoning_effort": "an effort, or none at all",
    "effort": "an effort",
    "budget_tokens": "a budget becomes an effort",
    "strict": "a boolean",
    "parallel_tool_calls": "a boolean",
    "disable_parallel_tool_use": "the same boolean turned round",
    "is_error": "false is what leaving it out means",
    "tool_choice": "a word for the same choice",
    "media_type": "part of an address with data in it",
    "mimeType": "so is this one",
    "mime_type": "and this",
    "responseMimeType": "a form is asked for",
    "response_mime_type": "so is this one",
    "mode": "a word for the same choice",
    "thinkingBudget": "a budget becomes an effort",
    "thinking_budget": "or is the model's own",
    "thinkingLevel": "an effort",
    "thought": "a thought is told as one, or named as lost",
    "nullable": "null becomes one of the types",
}
"""Leaves that are told in other words or by their place; all others hold a mark of their own."""


def told(client: str, upstream: str, body: Any) -> tuple[str, list[str]]:
    """Return a translated body as text, and every place that was lost."""
    call = TRANSLATORS[client].parse_call(json.dumps(body).encode())
    lost = losses.Losses(call.lost)
    text = TELLERS[upstream].render_call(call, edit(upstream, "other"), lost).body
    return json.dumps(json.loads(text)), [loss.at for loss in lost.found]


def silent(body: Any, text: str, lost: list[str]) -> list[str]:
    """Return the leaves that are neither told nor named as lost."""
    missing = []
    for path, value in leaves(body):
        if value is None or any(is_below(path, place) for place in lost):
            continue
        if any(mark not in text for mark in MARK.findall(str(value))):
            missing.append(path)
        elif not MARK.search(str(value)) and _key(path) not in RENAMED:
            # A leaf without a mark of its own: inside a schema or an argument it came along.
            missing += [] if re.search(rf"\.({CARRIED})\b", path) else [path]
    return missing


def _key(path: str) -> str:
    return re.sub(r"\[\d+\]", "", path.rpartition(".")[2])


def others(client: str, data: st.DataObject) -> Iterator[tuple[str, Any]]:
    """Yield every other dialect, with a request of the client's that can be said in it."""
    body = data.draw(REQUESTS[client])
    return ((upstream, sayable(upstream, body)) for upstream in KINDS if upstream != client)


@given(data=st.data())
@pytest.mark.parametrize("client", KINDS)
def test_each_leaf_is_carried_or_renamed_or_named_as_lost(client: str, data: st.DataObject) -> None:
    """Whatever a request says, unknown fields too, the target is told it or the client is told."""
    for upstream, body in others(client, data):
        text, lost = told(client, upstream, body)

        assert not silent(body, text, lost), upstream


@given(data=st.data())
@pytest.mark.parametrize("client", KINDS)
def test_nothing_is_lost_that_is_there(client: str, data: st.DataObject) -> None:
    """A place that is named as lost exists in the client's body, and was not told after all."""
    for upstream, body in others(client, data):
        text, lost = told(client, upstream, body)

        for place in lost:
            below = [value for path, value in leaves(body) if is_below(path, place)]
            assert below, (upstream, place)
            marks = [mark for value in below for mark in MARK.findall(str(value))]
            told_of = [mark for mark in marks if mark in text]
            assert not marks or len(told_of) < len(marks) or TOLD_ALIKE.search(place), place


@given(data=st.data())
@pytest.mark.parametrize("client", KINDS)
def test_a_round_trip_loses_what_was_named_and_no_more(client: str, data: st.DataObject) -> None:
    """There and back, every mark is there again, but for those in places that were named."""
    for upstream, body in others(client, data):
        text, lost = told(client, upstream, body)
        there = json.loads(text)

        back, lost_back = told(upstream, client, there)

        named = {
            mark
            for value, places in ((body, lost), (there, lost_back))
            for path, leaf in leaves(value)
            if any(is_below(path, place) for place in places)
            for mark in MARK.findall(str(leaf))
        }
        marks = {mark for path, leaf in leaves(body) for mark in MARK.findall(str(leaf))}
        assert {mark for mark in marks if mark not in back} <= named, upstream


@given(data=st.data())
@pytest.mark.parametrize("client", KINDS)
def test_a_translated_body_is_a_body_of_the_target(client: str, data: st.DataObject) -> None:
    """The target's own reader finds in it what the translator says that it asks for."""
    for upstream, body in others(client, data):
        done = attempt(client, upstream, body)

        assert isinstance(done, Translation), done
        assert done.demand.output_tokens_max == 4_096
        assert done.demand.stream == bool(body.get("stream"))
        assert done.demand.model == MODELS[upstream]
        assert done.demand.tools == bool(body.get("tools"))
        assert done.demand.unbounded is None
        assert said(done.demand) == said(as_read(upstream, done))


def test_only_so_many_losses_are_named() -> None:
    """A header and a record stay short, whatever a client makes up."""
    body: dict[str, Any] = {f"x{number}\r\nset-cookie: a, b": 1 for number in range(100)}
    body |= {"model": "m", "messages": [{"role": "user", "content": "a"}]}

    done = attempt(CHAT, MESSAGES, body)

    assert isinstance(done, Translation)
    assert len(done.lost) == losses.SHOWN_MAX + 1
    assert done.lost[-1] == "+80 more"
    assert all(place.isprintable() and "," not in place for place in done.lost)
