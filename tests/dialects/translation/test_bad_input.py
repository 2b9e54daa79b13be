"""What is wrong, odd or huge in a request, in every dialect: answered as documented."""

import json
import tracemalloc
from typing import Any

import pytest

from headgate.dialects.translation.openai.words import DATA_URL
from headgate.dialects.translation.translated import Translation
from headgate.units.errors import Refusal
from tests.dialects.translation.speech import (
    CHAT,
    DIALECTS,
    GEMINI,
    KINDS,
    MESSAGES,
    PAIRS,
    RESPONSES,
    attempt,
    between,
    refused,
    translate,
)
from tests.dialects.translation.streams import STREAMS, events

Json = dict[str, Any]
LEAST: dict[str, Json] = {MESSAGES: {"max_tokens": 4_096}, GEMINI: {}}
"""What a request has beside its model and what was said."""

HOLDER = {CHAT: "messages", MESSAGES: "messages", RESPONSES: "input", GEMINI: "contents"}
"""The member that holds what was said."""


def asking(kind: str, *said: Json, **more: Any) -> Json:
    """Return a request of a dialect in which some things were said."""
    model = {} if kind == GEMINI else {"model": "m"}
    return {**model, **LEAST.get(kind, {}), HOLDER[kind]: list(said), **more}


def words(kind: str, text: str) -> Json:
    """Return what a user says."""
    if kind == GEMINI:
        return {"role": "user", "parts": [{"text": text}]}
    return {"role": "user", "content": text}


def tools(kind: str, called: list[str], answered: list[str]) -> list[Json]:
    """Return the calls of a function by their ids, and its results for some ids."""
    if kind == CHAT:
        function = {"name": "look", "arguments": "{}"}
        uses = [{"id": each, "type": "function", "function": function} for each in called]
        said = [{"role": "assistant", "tool_calls": uses}] if called else []
        return said + [{"role": "tool", "tool_call_id": each, "content": each} for each in answered]
    if kind == RESPONSES:
        call: Json = {"type": "function_call", "name": "look", "arguments": "{}"}
        output = "function_call_output"
        return [{**call, "call_id": each} for each in called] + [
            {"type": output, "call_id": each, "output": each} for each in answered
        ]
    if kind == MESSAGES:
        use: Json = {"type": "tool_use", "name": "look", "input": {}}
        result = "tool_result"
        sides = [
            ("assistant", [{**use, "id": each} for each in called]),
            ("user", [{"type": result, "tool_use_id": each, "content": each} for each in answered]),
        ]
        return [{"role": role, "content": blocks} for role, blocks in sides if blocks]
    parts = [
        ("model", [{"functionCall": {"id": each, "name": "look", "args": {}}} for each in called]),
        ("user", [_returned(each) for each in answered]),
    ]
    return [{"role": role, "parts": each} for role, each in parts if each]


def _returned(identity: str) -> Json:
    returned = {"id": identity, "name": "look", "response": {"output": identity}}
    return {"functionResponse": returned}


def with_schema(kind: str, schema: Json) -> Json:
    """Return a request whose answer is to have a schema."""
    said = words(kind, "hello")
    if kind == CHAT:
        form = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
        return asking(kind, said, response_format=form)
    if kind == MESSAGES:
        form = {"type": "json_schema", "schema": schema}
        return asking(kind, said, output_config={"format": form})
    if kind == RESPONSES:
        form = {"type": "json_schema", "name": "a", "schema": schema}
        return asking(kind, said, text={"format": form})
    config = {"responseMimeType": "application/json", "responseJsonSchema": schema}
    return asking(kind, said, generationConfig=config)


WRONG: dict[str, tuple[list[str], list[str], dict[str, str]]] = {
    "a result without its call": (
        [],
        ["a"],
        dict(zip(KINDS, ["[1].content[0]", "[1].parts[0]", "[1]", "[1]"], strict=True)),
    ),
    "a result beside those that were called": (
        ["a"],
        ["a", "b"],
        dict(zip(KINDS, ["[2].content[1]", "[2].parts[1]", "[3]", "[3]"], strict=True)),
    ),
    "two results of one call": (
        ["a"],
        ["a", "a"],
        dict(zip(KINDS, ["[2].content[1]", "[2].parts[1]", "[3]", "[3]"], strict=True)),
    ),
    "two calls of one id": (
        ["a", "a"],
        ["a"],
        dict(
            zip(KINDS, ["[1].content[1]", "[1].parts[1]", "[1].tool_calls[1]", "[2]"], strict=True)
        ),
    ),
}
"""What is called, what is answered, and where that is wrong in each dialect."""


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize(("client", "upstream"), PAIRS)
def test_calls_and_results_that_do_not_match_are_refused(
    client: str, upstream: str, case: str
) -> None:
    """The refusal names the place, and is made before the call costs anything."""
    called, answered, places = WRONG[case]
    body = asking(client, words(client, "hello"), *tools(client, called, answered))

    refusal = refused(client, upstream, body)

    assert refusal.code.code == "body_invalid"
    assert refusal.param == HOLDER[client] + places[client]


@pytest.mark.parametrize(("client", "upstream"), PAIRS)
def test_a_conversation_that_says_nothing_is_refused(client: str, upstream: str) -> None:
    """No message at all, or empty ones alone, are no call."""
    for said in ([], [words(client, "")]):
        refusal = refused(client, upstream, asking(client, *said))

        assert refusal.code.code == "body_invalid"
        assert "say nothing" in refusal.message


@pytest.mark.parametrize(("client", "upstream"), PAIRS)
def test_empty_texts_are_left_out(client: str, upstream: str) -> None:
    """What is empty says nothing; what stands beside it is told."""
    body = asking(client, words(client, ""), words(client, "hello"), words(client, ""))

    new, lost = translate(client, upstream, body)

    assert json.dumps(new).count("hello") == 1
    assert '""' not in json.dumps(new)
    assert lost == ()


@pytest.mark.parametrize(("client", "upstream"), PAIRS)
def test_a_hundred_parallel_calls_are_told(client: str, upstream: str) -> None:
    """Every call and every result arrives, in their order, each once."""
    names = [f"call-{number:03}x" for number in range(100)]
    body = asking(client, words(client, "hello"), *tools(client, names, names))

    new, lost = translate(client, upstream, body)

    text = json.dumps(new)
    places = [text.index(name) for name in names]
    assert places == sorted(places)
    # Its call has the id; its result has it again, and says it.
    assert {text.count(name) for name in names} == {3}
    assert lost == ()


@pytest.mark.parametrize(("client", "upstream"), PAIRS)
def test_a_deep_schema_is_told_or_refused(client: str, upstream: str) -> None:
    """It is carried as it stands where nobody looks into it; Gemini's kind has a bound."""
    schema: Json = {"type": "object"}
    for _ in range(150):
        schema = {"type": "object", "properties": {"a": schema}}

    done = attempt(client, upstream, with_schema(client, schema))

    if upstream == GEMINI:
        assert isinstance(done, Refusal)
        assert done.code.code == "feature_unsupported"
        assert "100 levels" in done.message
    else:
        assert isinstance(done, Translation)
        assert json.dumps(schema, separators=(",", ":")).encode() in done.body.replace(b" ", b"")


@pytest.mark.parametrize("kind", KINDS)
def test_a_byte_order_mark_is_refused(kind: str) -> None:
    """JSON begins with its first value; the dialect's own reader says so."""
    body = json.dumps(asking(kind, words(kind, "hello"))).encode()

    refusal = DIALECTS[kind].read(b"\xef\xbb\xbf" + body)

    assert isinstance(refusal, Refusal)
    assert refusal.code.code == "body_malformed"


@pytest.mark.parametrize("broken", [b"\xff", b"\\ud800", b"\xc3\x28"])
@pytest.mark.parametrize(("client", "upstream"), PAIRS)
def test_what_is_no_unicode_is_refused(client: str, upstream: str, broken: bytes) -> None:
    """Bytes that are no UTF-8, and half a surrogate pair, cannot be told to anybody."""
    body = json.dumps(asking(client, words(client, "hello"))).encode()

    refusal = refused(client, upstream, body.replace(b"hello", b"hel" + broken + b"lo"))

    assert refusal.code.code == "body_invalid"


@pytest.mark.parametrize(("client", "upstream"), PAIRS)
def test_ends_of_line_do_not_matter(client: str, upstream: str) -> None:
    """Between values any of them is a blank; inside a text it is kept."""
    body = asking(client, words(client, "a\r\nb"), words(client, "hello"))
    text = json.dumps(body, indent=2).replace("\n", "\r\n").encode()

    new, _ = translate(client, upstream, text)

    assert new == translate(client, upstream, body)[0]
    assert "a\\r\\nb" in json.dumps(new)


ROUND = list(zip(KINDS, [*KINDS[1:], KINDS[0]], strict=True))
"""Each dialect once as the client's and once as the target's."""


@pytest.mark.parametrize(("client", "upstream"), ROUND)
def test_ten_megabytes_in_one_line_are_told(client: str, upstream: str) -> None:
    """A long text is a text."""
    text = "y" * 10_000_000

    done = attempt(client, upstream, asking(client, words(client, text)))

    assert isinstance(done, Translation)
    assert text.encode() in done.body


@pytest.mark.slow
@pytest.mark.parametrize(("client", "upstream"), ROUND)
def test_ten_megabytes_in_one_event_are_told(client: str, upstream: str) -> None:
    """So is one of a stream, in every dialect."""
    text = b"y" * 10_000_000
    stream = between(client, upstream).Stream(False)

    answered = stream.feed(STREAMS[upstream].replace(b"H\xc3\xa9llo", text)) + stream.flush()

    assert text in answered
    assert "error" not in events(answered)[-1]


def test_parameters_of_an_address_of_data_take_no_memory_each() -> None:
    """A client may write as many as its body may be long."""
    url = "data:image/png" + ";a=b" * 250_000 + ";base64,YQ=="
    tracemalloc.start()

    try:
        found = DATA_URL.match(url)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert found is not None
    assert found.end() == len(url) - len("YQ==")
    assert peak < len(url)
