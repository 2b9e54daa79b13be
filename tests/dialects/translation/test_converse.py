"""Calls told in Bedrock's Converse, which clients do not speak: held against AWS's own model."""

import base64
import functools
import json
import re
from typing import Any

import botocore.session
import pytest
from botocore.model import OperationModel
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from headgate.dialects.translation.translated import Translation
from headgate.records.demand import Edit
from headgate.units.errors import Refusal
from tests.architecture.repository import ROOT
from tests.dialects.translation.requests import REQUESTS
from tests.dialects.translation.speech import (
    CHAT,
    CONVERSE,
    KINDS,
    MESSAGES,
    SPOKEN,
    TELLERS,
    as_read,
    attempt,
    between,
    is_below,
    leaves,
    refused,
    said,
    translate,
)
from tests.dialects.translation.streams import events
from tests.dialects.translation.test_leaves import MARK, silent, told

TOOL_ID = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
LINK = re.compile(r"https://\w+\.example/")
BYTES = re.compile(r'"bytes": "([^"]*)"')
PIXEL = "iVBORw0KGgo="


@functools.cache
def operation() -> OperationModel:
    """Return AWS's own model of the operation."""
    return (
        botocore.session.get_session()
        .get_service_model("bedrock-runtime")
        .operation_model("Converse")
    )


def validate(body: dict[str, Any]) -> None:
    """Assert that a body is a request of Converse, as AWS's client judges before it sends."""
    report = ParamValidator().validate({"modelId": "m", **body}, operation().input_shape)
    assert not report.has_errors(), report.generate_report()
    for message in body["messages"]:
        for block in message["content"]:
            for name in ("toolUse", "toolResult"):
                if name in block:
                    assert TOOL_ID.fullmatch(block[name]["toolUseId"])


def by_value(value: Any) -> Any:
    """Return a request whose images by address are by value: an address is refused there."""
    if isinstance(value, list):
        return [by_value(item) for item in value]
    if isinstance(value, dict):
        if value.get("type") == "url":
            data = str(value["url"]).rpartition("/")[2]
            return {"type": "base64", "media_type": "image/png", "data": data}
        return {name: by_value(item) for name, item in value.items()}
    if isinstance(value, str):
        return LINK.sub("data:image/png;base64,", value)
    return value


def _decoded(data: str) -> str:
    """Return the text that bytes are, where they are one: a document that is a text."""
    try:
        return base64.b64decode(data, validate=True).decode()
    except ValueError:
        return ""


@given(data=st.data())
@pytest.mark.parametrize("client", KINDS)
def test_what_is_told_is_a_request_of_converse(client: str, data: st.DataObject) -> None:
    """Whatever a client asks, AWS's own client would send it; our reader finds what we hold for."""
    body = by_value(data.draw(REQUESTS[client]))

    done = attempt(client, CONVERSE, body)

    assert isinstance(done, Translation), done
    validate(json.loads(done.body))
    assert done.demand.output_tokens_max == 4_096
    assert done.demand.stream == bool(body.get("stream"))
    assert done.demand.tools == bool(body.get("tools"))
    assert done.demand.unbounded is None
    assert said(done.demand) == said(as_read(CONVERSE, done))


@given(data=st.data())
@pytest.mark.parametrize("client", KINDS)
def test_each_leaf_is_carried_or_renamed_or_named_as_lost(client: str, data: st.DataObject) -> None:
    """As in the dialects that clients speak: nothing is left out silently, none named falsely."""
    body = by_value(data.draw(REQUESTS[client]))

    text, lost = told(client, CONVERSE, body)
    text += "".join(map(_decoded, BYTES.findall(text)))

    assert not silent(body, text, lost)
    for place in lost:
        below = [value for path, value in leaves(body) if is_below(path, place)]
        assert below, place
        marks = [mark for value in below for mark in MARK.findall(str(value))]
        assert not marks or any(mark not in text for mark in marks), place


CALL: dict[str, Any] = {
    "model": "m",
    "system": "Be kind.",
    "max_tokens": 50,
    "messages": [
        {"role": "user", "content": "Look."},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": " "},
                {"type": "tool_use", "id": "a b/c", "name": "look", "input": {"at": 1.50}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "a b/c",
                    "is_error": True,
                    "content": [
                        {
                            "type": "image",
                            "source": {"type": "base64", "media_type": "image/png", "data": PIXEL},
                        }
                    ],
                }
            ],
        },
    ],
    "tools": [{"name": "look", "input_schema": {"type": "object"}}],
    "tool_choice": {"type": "tool", "name": "look"},
}


def test_a_call_with_tools_and_images_is_told() -> None:
    """Calls, results, images by value and the choice stand where Converse has them."""
    body, lost = translate(MESSAGES, CONVERSE, CALL)

    assert body["system"] == [{"text": "Be kind."}]
    assert body["messages"][1]["content"] == [
        {"toolUse": {"toolUseId": "a_b_c", "name": "look", "input": {"at": 1.5}}}
    ]
    image = {"image": {"format": "png", "source": {"bytes": PIXEL}}}
    result = {"toolUseId": "a_b_c", "content": [image], "status": "error"}
    assert body["messages"][2]["content"] == [{"toolResult": result}]
    assert body["toolConfig"] == {
        "tools": [{"toolSpec": {"name": "look", "inputSchema": {"json": {"type": "object"}}}}],
        "toolChoice": {"tool": {"name": "look"}},
    }
    assert lost == ("messages[1].content[0]",)
    validate(body)


def test_an_image_by_address_is_refused_by_name() -> None:
    """Converse takes bytes, and what strangers name is never fetched."""
    link = {"type": "image_url", "image_url": {"url": "https://i.example/a.png"}}
    body = {"model": "m", "messages": [{"role": "user", "content": [link]}]}

    refusal = refused(CHAT, CONVERSE, body)

    assert refusal.code.code == "feature_unsupported"
    assert refusal.message.startswith("messages[0].content[0]")
    assert "image by address" in refusal.message


def test_documents_have_names_that_differ() -> None:
    """Two documents of one title are told apart, in the signs that a name may have."""
    source = {"type": "base64", "media_type": "application/pdf", "data": PIXEL}
    document = {"type": "document", "title": "Q3: plan/draft", "source": source}
    content = [document, document, {"type": "text", "text": "Compare."}]
    call = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": content}]}

    body, _ = translate(MESSAGES, CONVERSE, call)

    names = [block["document"]["name"] for block in body["messages"][0]["content"][:2]]
    assert names == ["Q3 plan draft", "Q3 plan draft-2"]
    validate(body)
    done = attempt(MESSAGES, CONVERSE, call)
    assert isinstance(done, Translation)
    assert done.demand.input_tokens_max is None, "the bytes of a PDF bound nothing"


@pytest.mark.parametrize(
    ("model", "effort", "fields"),
    [
        ("us.amazon.nova-2-lite-v1:0", "high", {"type": "enabled", "maxReasoningEffort": "medium"}),
        ("openai.gpt-oss-20b-1:0", "xhigh", "high"),
        ("us.openai.gpt-5.6", "xhigh", {"effort": "xhigh"}),
        ("us.deepseek.r1-v1:0", "high", None),
    ],
)
def test_each_family_is_told_to_think_in_its_own_field(
    model: str, effort: str, fields: Any
) -> None:
    """What a family has no field for is named as lost."""
    call = {
        "model": "m",
        "reasoning_effort": effort,
        "messages": [{"role": "user", "content": "a"}],
    }

    body, lost = translate(CHAT, CONVERSE, call, model=model)

    told_fields = body.get("additionalModelRequestFields", {})
    assert list(told_fields.values()) == ([] if fields is None else [fields])
    assert lost == (("reasoning_effort",) if fields is None else ())


def test_a_limit_is_lowered_in_place() -> None:
    """The limit that money is held for is the one that is sent; a lower one stays."""
    done = attempt(CHAT, CONVERSE, {"model": "m", "messages": [{"role": "user", "content": "a"}]})
    assert isinstance(done, Translation)
    dialect = SPOKEN[CONVERSE]

    lowered = json.loads(dialect.edit(done.body, done.demand, Edit("m", 7, "maxTokens")))

    assert lowered["inferenceConfig"] == {"maxTokens": 7}
    assert lowered["messages"] == json.loads(done.body)["messages"]
    assert dialect.edit(done.body, done.demand, Edit("m", 9_999, "maxTokens")) is done.body
    bare = b'{"messages":[]}'
    demand = dialect.read(bare)
    assert not isinstance(demand, Refusal)
    assert json.loads(dialect.edit(bare, demand, Edit("m", 7, "maxTokens")))["inferenceConfig"] == {
        "maxTokens": 7
    }


def event(**member: Any) -> bytes:
    return b"data: %b\n\n" % json.dumps(member).encode()


BEGIN = event(messageStart={"role": "assistant"})
STOP = event(messageStop={"stopReason": "end_turn"})
USED = event(metadata={"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}})
ERROR = event(type="error", error={"type": "overloaded_error", "message": "s-broken"})


@pytest.mark.parametrize("client", KINDS)
def test_a_reply_without_a_name_gets_the_calls(client: str) -> None:
    """Converse names neither reply nor model; the client is told the call's id and the model."""
    spoken = between(client, CONVERSE)
    body = by_value({"model": "m", "messages": [{"role": "user", "content": "a"}]})
    if client == "openai_responses":
        body = {"model": "m", "input": "a"}
    elif client == "gemini":
        body = {"contents": [{"parts": [{"text": "a"}]}]}
    spoken.translate(
        json.dumps(body | {"max_tokens": 5} if client == MESSAGES else body).encode(),
        Edit("nova", 5, "maxTokens"),
        stream=True,
        drop=True,
    )
    stream = spoken.Stream(False)

    text = stream.feed(
        BEGIN + event(contentBlockDelta={"contentBlockIndex": 0, "delta": {"text": "a"}})
    )

    assert b'"nova"' in text
    assert b'"call_1"' in text


@pytest.mark.parametrize("order", [(STOP, USED), (USED, STOP)])
def test_a_stream_ends_once_reason_and_usage_are_told(order: tuple[bytes, bytes]) -> None:
    """Whichever comes last ends it; without either it is not whole, and so told."""
    for sent, whole in ((order, True), (order[:1], False)):
        stream = between(CHAT, CONVERSE).Stream(False)

        text = stream.feed(BEGIN + b"".join(sent)) + stream.flush()

        assert stream.finish().complete == whole
        assert text.endswith(b"[DONE]\n\n") == whole


@pytest.mark.parametrize("client", KINDS)
def test_an_exception_in_the_stream_is_an_error_event(client: str) -> None:
    """The provider's words end the client's stream as its own dialect says errors."""
    stream = between(client, CONVERSE).Stream(False)

    text = stream.feed(BEGIN + ERROR + STOP)

    last = events(text)[-1]
    assert "s-broken" in json.dumps(last)
    assert stream.finish().errored
    assert SPOKEN[CONVERSE].starts_with_error(ERROR)
    assert not SPOKEN[CONVERSE].starts_with_error(BEGIN)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"message":"No."}', "No."),
        (b'{"Message":"No."}', "No."),
        (b'{"error":{"message":"No."}}', "No."),
        (b"<html>", None),
        (b'{"message":7}', None),
    ],
)
def test_the_words_of_an_error_are_found(body: bytes, message: str | None) -> None:
    """AWS says its words at the top, in more than one spelling."""
    assert TELLERS[CONVERSE].error_message(body) == message


def test_clients_do_not_speak_it() -> None:
    """It has no path, and no list of dialects that clients speak has it."""
    assert CONVERSE not in KINDS
    assert not hasattr(SPOKEN[CONVERSE], "PATH")
    assert (ROOT / "src/headgate/dialects/bedrock_converse.py").is_file()
