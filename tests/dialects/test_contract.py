"""What holds for every dialect in the folder; a new one is tested here unasked."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from headgate.dialects.registry import Dialect, PathDialect, dialects
from headgate.records.demand import NO_MEMBERS, Demand, Edit
from headgate.records.report import Report
from headgate.units.errors import BUDGET_EXCEEDED, CODES, UPSTREAM_BROKEN, Refusal

SAMPLES = Path(__file__).parent / "samples"
DIALECTS = dialects()
STREAMED = sorted(
    kind for kind in DIALECTS if json.loads((SAMPLES / kind / "shape.json").read_text())["stream"]
)
FORBIDDEN = {b"authorization", b"x-api-key", b"cookie", b"connection", b"host", b"te"}
FORBIDDEN |= {b"transfer-encoding", b"content-length", b"upgrade", b"accept-encoding"}


@pytest.fixture(params=sorted(DIALECTS))
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return DIALECTS[request.param]


@pytest.fixture(params=STREAMED)
def streamed(request: pytest.FixtureRequest) -> Dialect:
    return DIALECTS[request.param]


def sample(kind: str, name: str) -> bytes:
    return (SAMPLES / kind / name).read_bytes()


def shape(dialect: Dialect) -> dict[str, Any]:
    """Return what is particular to a dialect's requests; see the README of the samples."""
    found: dict[str, Any] = json.loads(sample(dialect.KIND, "shape.json"))
    return found


def accepted(dialect: Dialect, body: bytes) -> Demand:
    """Read a body as the gateway does, with what the path says where it says something."""
    demand = dialect.read(body)
    assert isinstance(demand, Demand), demand
    path = shape(dialect).get("path")
    if path is None:
        return demand
    located = cast(PathDialect, dialect).locate(path, shape(dialect)["query"])
    assert located is not None and not isinstance(located, Refusal)
    return replace(demand, model=located[0], stream=located[1])


def with_limit(dialect: Dialect, value: object, body: dict[str, Any]) -> bytes:
    """Return a body whose output limit is `value`."""
    *outer, name = shape(dialect)["limit"]
    inside: dict[str, Any] = {name: value}
    return json.dumps(body | ({outer[0]: inside} if outer else inside)).encode()


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

    known = shape(dialect)
    named = known["path"] if "path" in known else json.loads(body)["model"]
    assert demand.model and demand.model in named
    assert demand.stream == known["stream"]
    assert demand.tools == (known["tools"] is not None) and not demand.images
    assert demand.output_tokens_max == (4096 if known["limit"] else known.get("output", 0))
    assert demand.unbounded is None
    assert demand.input_tokens_max is not None
    assert demand.free or demand.input_tokens_max > len(body)


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
    known = shape(dialect)
    assert after.model == (demand.model if "path" in known else "other/model")
    assert after.output_tokens_max == (7 if known["limit"] else known.get("output", 0))
    assert _unchanged(after) == _unchanged(demand)


def test_the_reply_is_reported(dialect: Dialect) -> None:
    """A whole reply says who answered and what was used."""
    report = dialect.report(sample(dialect.KIND, "reply.json"))

    expected = json.loads(sample(dialect.KIND, "expected.json"))
    if shape(dialect).get("raw"):
        expected["usage"] = None
    assert said(report) == expected
    assert report.complete and not report.errored


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"id":', b"[1]", b"\xff", b'{"id": 3, "responseId": 3}']
)
def test_an_unreadable_reply_is_not_complete(dialect: Dialect, body: bytes) -> None:
    """What cannot be read reports nothing, least of all that it is complete."""
    if shape(dialect).get("raw") and body not in (b"", b"<html>"):
        pytest.skip("a reply of sound is whatever comes")
    assert dialect.report(body) == Report()


def test_a_reply_without_usage_reports_none(dialect: Dialect) -> None:
    """Absent usage is absent, not zero."""
    assert dialect.report(b'{"id":"a","input_tokens":1,"totalTokens":1}').usage_json is None
    assert dialect.report(b'{"id":"a","usage":null}').usage_json is None


@given(cuts=st.lists(st.integers(0, 5_000), max_size=40), strip=st.booleans(), end=st.data())
@pytest.mark.parametrize("kind", STREAMED)
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


def test_without_stripping_every_byte_passes_at_once(streamed: Dialect) -> None:
    """On the plain path the payload itself is handed on."""
    stream = streamed.Stream(False)
    payload = sample(streamed.KIND, "stream.sse")[:100]

    assert stream.feed(payload) is payload
    assert stream.flush() == b""


def test_the_head_is_reported_with_the_first_whole_event(streamed: Dialect) -> None:
    """The served model is known as soon as the first event is whole, and not before."""
    stream = streamed.Stream(False)
    head, rest = sample(streamed.KIND, "stream.sse").split(b"\n\n", 1)

    stream.feed(head)
    before = stream.head_report
    stream.feed(b"\n\n" + rest)

    assert before is None
    assert stream.head_report is not None
    expected = json.loads(sample(streamed.KIND, "expected.json"))
    assert stream.head_report.served_model == expected["served_model"]
    assert not stream.head_report.complete


@given(at=st.integers(0, 5_000))
@pytest.mark.parametrize("kind", STREAMED)
def test_a_stream_cut_short_is_never_complete(kind: str, at: int) -> None:
    """Wherever a stream breaks off before its terminal event, it is not complete."""
    text = sample(kind, "stream.sse").rstrip()
    cut = text[: min(at, len(text) - 1)]

    _, report, _ = run(DIALECTS[kind], [cut], False)

    assert not report.complete
    assert not report.errored


def test_an_error_is_legal_in_a_stream(streamed: Dialect) -> None:
    """The event we end a broken stream with is an error event of the streamed."""
    refusal = Refusal(UPSTREAM_BROKEN, "The provider's answer broke off.")
    event = streamed.render_stream_error(refusal, "call_1")
    whole = sample(streamed.KIND, "stream.sse")

    _, report, _ = run(streamed, [whole[:300], event], False)

    assert streamed.starts_with_error(event)
    assert not streamed.starts_with_error(whole)
    assert not streamed.starts_with_error(event[:-2])
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

    assert names_in(dialect.render_models(names)) == ["fast", 'a"b']
    assert names_in(dialect.render_models([])) == []


def test_one_model_looks_as_it_does_in_the_list(dialect: Dialect) -> None:
    """A model asked for by its name is told in the words of the list."""
    one = json.loads(dialect.render_model("fast", 1_790_000_000_000_000_000))
    listed = json.loads(dialect.render_models([("fast", 1_790_000_000_000_000_000)]))

    assert [one] in listed.values()


def names_in(listed: bytes) -> list[str]:
    """Return the names in a list of models, whatever the dialect calls them."""
    document = json.loads(listed)
    models = document["data"] if "data" in document else document["models"]
    return [each["id"] if "id" in each else each["name"].removeprefix("models/") for each in models]


MALFORMED = [
    b"",
    b"{",
    b'{"model":"a",}',
    b"nope",
    b'{"model":"a","max_tokens":1} x',
    b'{"model":"\xff"}',
]
MALFORMED += [b"\xef\xbb\xbf{}"]


@pytest.mark.parametrize("body", MALFORMED)
def test_malformed_json_is_refused(dialect: Dialect, body: bytes) -> None:
    """Whatever is not JSON is refused as such."""
    text = shape(dialect).get("text", "model")
    if text is None and b"\xff" in body:
        pytest.skip("no field of it is read as a text")
    refusal = dialect.read(body.replace(b"model", (text or "model").encode()))

    assert isinstance(refusal, Refusal)
    assert refusal.code.code == "body_malformed"


@pytest.mark.parametrize("levels", [2_000, 100_000])
def test_what_is_nested_without_end_is_refused(dialect: Dialect, levels: int) -> None:
    """By the name of that, wherever it stands."""
    refusal = dialect.read(b'{"x":' + b"[" * levels + b"]" * levels + b"}")

    assert isinstance(refusal, Refusal)
    assert refusal.code.code == "body_too_deep"


def test_malformed_json_is_refused_with_the_place(dialect: Dialect) -> None:
    """The message says at which byte the JSON breaks."""
    refusal = dialect.read(b'{"model": @}')

    assert isinstance(refusal, Refusal)
    assert "byte 10" in refusal.message


WRONG_LIMITS: list[object] = [-1, 1.5, "9", True]


@pytest.mark.parametrize("value", WRONG_LIMITS)
def test_a_wrong_limit_is_named(dialect: Dialect, value: object) -> None:
    """An output limit of a wrong type or range is refused and named."""
    limit = shape(dialect)["limit"]
    if not limit:
        pytest.skip("nothing is generated")

    refusal = dialect.read(with_limit(dialect, value, {"model": "m"}))

    assert isinstance(refusal, Refusal)
    assert refusal.code.code == "body_invalid"
    assert refusal.param == ".".join(limit)


WRONG: list[tuple[str, object]] = [("model", 3), ("model", None), ("stream", "yes"), ("tools", 3)]


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_a_wrong_field_is_named(dialect: Dialect, field: str, value: object) -> None:
    """A field of a wrong type or range is refused and named."""
    known = shape(dialect)
    if (field == "tools" and not known["tools"]) or ("path" in known and field != "tools"):
        pytest.skip("it is no field of this dialect")
    if field == "stream" and (hasattr(dialect, "COUNTS") or dialect.KIND == "speech"):
        pytest.skip("it has no such field")
    body = json.loads(sample(dialect.KIND, "request.json")) | {field: value}

    refusal = dialect.read(json.dumps(body).encode())

    assert isinstance(refusal, Refusal)
    assert refusal.code.code == "body_invalid"
    assert refusal.param == field


def test_a_missing_model_is_named(dialect: Dialect) -> None:
    """A body without a model is refused with the field as `param`.

    Unless the path has it, or its provider takes a usual one.
    """
    refusal = dialect.read(b'{"messages":[],"max_tokens":5}')

    if not {"path", "usual"}.isdisjoint(shape(dialect)):
        assert isinstance(refusal, Demand)
    else:
        assert isinstance(refusal, Refusal)
        assert refusal.param == "model"


TWICE = [
    b'{"model":"a","max_tokens":5,"model":"b"}',
    b'{"model":"a","max_tokens":5,"max_tokens":5}',
    b'{"model":"a","max_tokens":5,"max_\\u0074okens":500}',
    b' {"max_tokens" : 1, "model":"a" , "max_tokens" : 12}',
    b'{"max_tokens":{"model":"a","x":1},"model":"a","max_tokens":1}',
]


@pytest.mark.parametrize("body", TWICE)
def test_a_key_that_stands_twice_is_refused(dialect: Dialect, body: bytes) -> None:
    """Which of two equal keys a provider takes is unknown, so neither is believed."""
    refusal = dialect.read(body)

    assert isinstance(refusal, Refusal)
    assert refusal.code.code in ("key_duplicate", "body_invalid")


@pytest.mark.parametrize("spell", [str.upper, lambda key: key.replace("s", "\u017f")])
def test_a_key_beside_one_that_differs_in_case_is_refused(
    dialect: Dialect, spell: Callable[[str], str]
) -> None:
    """Some JSON libraries match keys without regard to case, so the other might count."""
    known = shape(dialect)
    key = known["limit"][0] if known["limit"] else "contents" if "path" in known else "model"
    other = spell(key)
    if other == key:
        pytest.skip("the key has no such letter")
    body = json.loads(sample(dialect.KIND, "request.json"))

    refusal = dialect.read(json.dumps(body | {other: body.get(key)}, ensure_ascii=False).encode())

    assert isinstance(refusal, Refusal)
    assert (refusal.code.code, refusal.param) == ("key_duplicate", other)
