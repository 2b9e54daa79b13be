"""What holds for every dialect in the folder; a new one is tested here unasked."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from headgate.dialects.registry import Dialect, dialects
from headgate.records.demand import NO_MEMBERS, Demand, Edit
from headgate.records.report import Report
from headgate.units.errors import BUDGET_EXCEEDED, CODES, UPSTREAM_BROKEN, Refusal

SAMPLES = Path(__file__).parent / "samples"
DIALECTS = dialects()
FORBIDDEN = {b"authorization", b"x-api-key", b"cookie", b"connection", b"host", b"te"}
FORBIDDEN |= {b"transfer-encoding", b"content-length", b"upgrade", b"accept-encoding"}


@pytest.fixture(params=sorted(DIALECTS))
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return DIALECTS[request.param]


def sample(kind: str, name: str) -> bytes:
    return (SAMPLES / kind / name).read_bytes()


def accepted(dialect: Dialect, body: bytes) -> Demand:
    demand = dialect.read(body)
    assert isinstance(demand, Demand), demand
    return demand


def said(report: Report) -> dict[str, Any]:
    """Return a report as the samples spell it."""
    usage = None if report.usage_json is None else json.loads(report.usage_json)
    return {
        "upstream_id": report.upstream_id,
        "served_model": report.served_model,
        "tier": report.tier,
        "usage": usage,
    }


def run(
    dialect: Dialect, chunks: list[bytes], strip_usage: bool
) -> tuple[bytes, Report, Report | None]:
    """Return what a client gets of a stream, its report, and the report of its head."""
    stream = dialect.Stream(strip_usage)
    passed = b"".join([*map(stream.feed, chunks), stream.flush()])
    return passed, stream.finish(), stream.head_report


def test_the_request_is_read(dialect: Dialect) -> None:
    """The sample request is understood, and nested look-alikes are not taken for its fields."""
    body = sample(dialect.KIND, "request.json")

    demand = accepted(dialect, body)

    assert demand.model == json.loads(body)["model"]
    assert demand.stream and demand.tools and not demand.images
    assert demand.output_tokens_max == 4096
    assert demand.unbounded is None
    assert demand.input_tokens_max is not None and demand.input_tokens_max > len(body)


def test_no_credential_and_no_hop_by_hop_header_goes_upstream(dialect: Dialect) -> None:
    """The headers that are forwarded are lower-case names, none of them a connection's own."""
    assert not dialect.FORWARDED & FORBIDDEN
    assert all(name == name.lower() for name in dialect.FORWARDED)


def test_an_edit_that_changes_nothing_returns_the_same_body(dialect: Dialect) -> None:
    """A body that is as it should be is passed on, not copied."""
    body = sample(dialect.KIND, "request.json")
    demand = accepted(dialect, body)

    edit = Edit(demand.model, 4096, "max_completion_tokens", ask_usage=False)

    assert dialect.edit(body, demand, edit) is body


def _unchanged(demand: Demand) -> Demand:
    """Return a demand without what an edit of model and limit may change."""
    return replace(demand, model="", output_tokens_max=0, input_tokens_max=0, members=NO_MEMBERS)


def test_an_edit_changes_what_it_says_and_nothing_else(dialect: Dialect) -> None:
    """Model and limit are replaced in place; a second read finds exactly that."""
    body = sample(dialect.KIND, "request.json")
    demand = accepted(dialect, body)

    new = dialect.edit(body, demand, Edit("other/model", 7, "max_tokens", ask_usage=False))

    after = accepted(dialect, new)
    assert (after.model, after.output_tokens_max) == ("other/model", 7)
    assert _unchanged(after) == _unchanged(demand)


def test_the_reply_is_reported(dialect: Dialect) -> None:
    """A whole reply says who answered and what was used."""
    report = dialect.report(sample(dialect.KIND, "reply.json"))

    assert said(report) == json.loads(sample(dialect.KIND, "expected.json"))
    assert report.complete and not report.errored


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"id":', b"[1]", b"\xff", b'{"id": 3}'])
def test_an_unreadable_reply_is_not_complete(dialect: Dialect, body: bytes) -> None:
    """What cannot be read reports nothing, least of all that it is complete."""
    assert dialect.report(body) == Report()


def test_a_reply_without_usage_reports_none(dialect: Dialect) -> None:
    """Absent usage is absent, not zero."""
    assert dialect.report(b'{"id":"a"}').usage_json is None
    assert dialect.report(b'{"id":"a","usage":null}').usage_json is None


@given(cuts=st.lists(st.integers(0, 5_000), max_size=40), strip=st.booleans(), end=st.data())
@pytest.mark.parametrize("kind", sorted(DIALECTS))
def test_the_cut_of_a_stream_does_not_matter(
    kind: str, cuts: list[int], strip: bool, end: st.DataObject
) -> None:
    """The same bytes give the same report and reach the client the same, however they come."""
    dialect = DIALECTS[kind]
    text = sample(kind, "stream.sse")
    newline = end.draw(st.sampled_from([b"\n", b"\r\n", b"\r"]))
    lead = end.draw(st.sampled_from([b"", b"\xef\xbb\xbf", b": hello\n\n", b"\n\n\n"]))
    text = (lead + text).replace(b"\n", newline)
    places = [0, *sorted({cut for cut in cuts if cut < len(text)}), len(text)]
    chunks = [text[a:b] for a, b in itertools.pairwise(places)]

    whole = run(dialect, [text], strip)

    assert run(dialect, chunks, strip) == whole
    assert run(dialect, [text[i : i + 1] for i in range(len(text))], strip) == whole
    assert whole[1].complete
    assert said(whole[1]) == json.loads(sample(kind, "expected.json"))


def test_without_stripping_every_byte_passes_at_once(dialect: Dialect) -> None:
    """On the plain path the payload itself is handed on."""
    stream = dialect.Stream(False)
    payload = sample(dialect.KIND, "stream.sse")[:100]

    assert stream.feed(payload) is payload
    assert stream.flush() == b""


def test_the_head_is_reported_with_the_first_whole_event(dialect: Dialect) -> None:
    """The served model is known as soon as the first event is whole, and not before."""
    stream = dialect.Stream(False)
    head, rest = sample(dialect.KIND, "stream.sse").split(b"\n\n", 1)

    stream.feed(head)
    before = stream.head_report
    stream.feed(b"\n\n" + rest)

    assert before is None
    assert stream.head_report is not None
    expected = json.loads(sample(dialect.KIND, "expected.json"))
    assert stream.head_report.served_model == expected["served_model"]
    assert not stream.head_report.complete


@given(at=st.integers(0, 5_000))
@pytest.mark.parametrize("kind", sorted(DIALECTS))
def test_a_stream_cut_short_is_never_complete(kind: str, at: int) -> None:
    """Wherever a stream breaks off before its terminal event, it is not complete."""
    text = sample(kind, "stream.sse").rstrip()
    cut = text[: min(at, len(text) - 1)]

    _, report, _ = run(DIALECTS[kind], [cut], False)

    assert not report.complete
    assert not report.errored


def test_an_error_is_legal_in_a_stream(dialect: Dialect) -> None:
    """The event we end a broken stream with is an error event of the dialect."""
    refusal = Refusal(UPSTREAM_BROKEN, "The provider's answer broke off.")
    event = dialect.render_stream_error(refusal, "call_1")
    whole = sample(dialect.KIND, "stream.sse")

    _, report, _ = run(dialect, [whole[:300], event], False)

    assert dialect.starts_with_error(event)
    assert not dialect.starts_with_error(whole)
    assert not dialect.starts_with_error(event[:-2])
    assert report.errored and not report.complete


@pytest.mark.parametrize("code", CODES, ids=lambda code: code.code)
def test_every_refusal_names_its_code_and_its_call(dialect: Dialect, code: Any) -> None:
    """A refusal is JSON with the sentence, the stable code and the id of the call."""
    text = dialect.render_refusal(Refusal(code, "Do this."), "call_1")

    assert "Do this." in json.loads(text)["error"]["message"]
    assert f'"{code.code}"'.encode() in text
    assert b'"call_1"' in text
    assert json.loads(dialect.render_refusal(Refusal(BUDGET_EXCEEDED, "x"), None))


def test_the_models_are_listed(dialect: Dialect) -> None:
    """Names come in the order given, whatever signs they hold; an empty list is one."""
    names = [("fast", 1_790_000_000_000_000_000), ('a"b', 0)]

    listed = json.loads(dialect.render_models(names))

    assert [model["id"] for model in listed["data"]] == ["fast", 'a"b']
    assert json.loads(dialect.render_models([]))["data"] == []


MALFORMED = [
    b"",
    b"{",
    b'{"model":"a",}',
    b"nope",
    b'{"model":"a","max_tokens":1} x',
    b'{"model":"\xff"}',
]
MALFORMED += [b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", b"\xef\xbb\xbf{}"]


@pytest.mark.parametrize("body", MALFORMED)
def test_malformed_json_is_refused(dialect: Dialect, body: bytes) -> None:
    """Whatever is not JSON, or nested without end, is refused as such."""
    refusal = dialect.read(body)

    assert isinstance(refusal, Refusal)
    assert refusal.code.code == "body_malformed"


def test_malformed_json_is_refused_with_the_place(dialect: Dialect) -> None:
    """The message says at which byte the JSON breaks."""
    refusal = dialect.read(b'{"model": @}')

    assert isinstance(refusal, Refusal)
    assert "byte 10" in refusal.message


WRONG: list[tuple[str, object]] = [
    ("model", 3),
    ("model", None),
    ("stream", "yes"),
    ("max_tokens", -1),
]
WRONG += [("max_tokens", 1.5), ("max_tokens", "9"), ("max_tokens", True), ("tools", 3)]


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_a_wrong_field_is_named(dialect: Dialect, field: str, value: object) -> None:
    """A field of a wrong type or range is refused and named."""
    body = {"model": "m", "messages": [], "max_tokens": 5} | {field: value}

    refusal = dialect.read(json.dumps(body).encode())

    assert isinstance(refusal, Refusal)
    assert refusal.code.code == "body_invalid"
    assert refusal.param == field


def test_a_missing_model_is_named(dialect: Dialect) -> None:
    """A body without a model is refused with the field as `param`."""
    refusal = dialect.read(b'{"messages":[],"max_tokens":5}')

    assert isinstance(refusal, Refusal)
    assert refusal.param == "model"


TWICE = [
    b'{"model":"a","max_tokens":5,"model":"b"}',
    b'{"model":"a","max_tokens":5,"max_tokens":5}',
    b'{"model":"a","max_tokens":5,"max_\\u0074okens":500}',
    b' {"max_tokens" : 1, "model":"a" , "max_tokens" : 12}',
    b'{"model":"a","max_tokens":5,"MAX_TOKENS":500}',
    '{"model":"a","max_tokens":5,"max_token\u017f":500}'.encode(),
    b'{"max_tokens":{"model":"a","x":1},"model":"a","max_tokens":1}',
]


@pytest.mark.parametrize("body", TWICE)
def test_a_key_that_stands_twice_is_refused(dialect: Dialect, body: bytes) -> None:
    """Which of two equal keys a provider takes is unknown, so neither is believed."""
    refusal = dialect.read(body)

    assert isinstance(refusal, Refusal)
    assert refusal.code.code in ("key_duplicate", "body_invalid")
