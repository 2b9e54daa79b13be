"""Bodies and streams that are nearly right: read or refused, never a bug, however they are cut."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from headgate.dialects.registry import StreamReader, dialects
from headgate.records.demand import Demand, Edit
from headgate.records.report import Report
from headgate.units.errors import Refusal
from tests.dialects.translation.speech import KINDS, PAIRS, attempt, between
from tests.dialects.translation.speech import SAMPLES as TRANSLATED
from tests.fuzz.mutating import HALF, cut, mutated

SAMPLES = Path(__file__).parents[1] / "dialects" / "samples"
DIALECTS = dialects()
STREAMS = {
    kind: [path.read_bytes() for path in sorted((SAMPLES / kind).glob("stream.sse"))]
    + [path.read_bytes() for path in sorted(TRANSLATED.glob(f"{kind}.sse"))]
    for kind in DIALECTS
}
STREAMED = [kind for kind in DIALECTS if STREAMS[kind]]
REPLIES = {kind: [(SAMPLES / kind / "reply.json").read_bytes()] for kind in DIALECTS}
BODIES = {
    kind: [(SAMPLES / kind / "request.json").read_bytes()]
    + [path.read_bytes() for path in sorted(TRANSLATED.glob(f"{kind}.json"))]
    for kind in DIALECTS
}
EDIT = Edit("other/model", 7, "max_tokens", ask_usage=False)
WORDS = (
    b"\n\n",
    b"\r\n",
    b"\r",
    b"data: ",
    b"data: {}\n\n",
    b"data: [DONE]\n\n",
    b"event: error\ndata: {}\n\n",
    b": a\n\n",
    b"id: 1\n",
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"null",
    b"true",
    b"-1",
    b"1e400",
    b"NaN",
    b"99999999999999999999999",
    b'"usage":null,',
    b'"usage":{},',
    b'"stream":true,',
    b'"model":"b",',
    b'"messages":[{}],',
    b'"content":{},',
    b'"type":"other",',
    b"\\ud800",
    b"\\u0000",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"[" * 2_000,
)


def run(stream: StreamReader, pieces: list[bytes]) -> tuple[bytes, Report]:
    """Return what a client gets of a stream, and its report."""
    passed = b"".join([*map(stream.feed, pieces), stream.flush()])
    return passed, stream.finish()


@HALF
@given(data=st.data())
def test_a_stream_of_ones_own_dialect_passes_untouched(data: st.DataObject) -> None:
    """Whatever it says, it is the same bytes and the same report for every cut."""
    kind = data.draw(st.sampled_from(STREAMED))
    text = data.draw(mutated(STREAMS[kind], WORDS))
    whole, report = run(DIALECTS[kind].Stream(False), [text])

    assert whole == text
    assert run(DIALECTS[kind].Stream(False), data.draw(cut(text))) == (text, report)


@HALF
@given(data=st.data())
def test_what_is_kept_back_does_not_depend_on_the_cut(data: st.DataObject) -> None:
    """Without the usage that the client did not ask for, nothing is added and the rest is equal."""
    kind = data.draw(st.sampled_from(STREAMED))
    text = data.draw(mutated(STREAMS[kind], WORDS))
    whole, report = run(DIALECTS[kind].Stream(True), [text])

    assert len(whole) <= len(text)
    assert run(DIALECTS[kind].Stream(True), data.draw(cut(text))) == (whole, report)


@HALF
@given(data=st.data())
def test_a_stream_told_in_another_dialect_does_not_depend_on_the_cut(data: st.DataObject) -> None:
    """It is told alike for every cut, each event is JSON, and its metering facts are its own."""
    client, upstream = data.draw(st.sampled_from(PAIRS))
    text = data.draw(mutated(STREAMS[upstream], WORDS))
    whole, report = run(between(client, upstream).Stream(False), [text])

    for line in whole.decode().splitlines():
        if line.startswith("data: ") and line != "data: [DONE]":
            json.loads(line.removeprefix("data: "))
    assert run(between(client, upstream).Stream(False), data.draw(cut(text))) == (whole, report)
    assert report == run(DIALECTS[upstream].Stream(False), [text])[1]


@HALF
@given(data=st.data())
def test_a_reply_is_told_or_cannot_be(data: st.DataObject) -> None:
    """A whole reply is reported, and told in another dialect as JSON or not at all."""
    client, upstream = data.draw(st.sampled_from(PAIRS))
    body = data.draw(mutated(REPLIES[upstream], WORDS))
    translated = between(client, upstream)

    told = translated.render_reply(body)

    assert translated.report(body) == DIALECTS[upstream].report(body)
    assert told is None or isinstance(json.loads(told), dict)


@HALF
@given(data=st.data())
def test_a_body_is_read_or_refused(data: st.DataObject) -> None:
    """What is read can be edited, and reads the same again but for what was edited."""
    kind = data.draw(st.sampled_from(sorted(DIALECTS)))
    body = data.draw(mutated(BODIES[kind], WORDS))
    demand = DIALECTS[kind].read(body)
    if isinstance(demand, Refusal):
        assert DIALECTS[kind].render_refusal(demand, "call_1")
        return

    edited = DIALECTS[kind].edit(body, demand, EDIT)

    again = DIALECTS[kind].read(edited)
    assert isinstance(again, Demand)
    assert (again.stream, again.tools) == (demand.stream, demand.tools)
    DIALECTS[kind].tool_names(body)


@HALF
@given(data=st.data())
def test_a_body_is_translated_or_refused(data: st.DataObject) -> None:
    """What the client's dialect reads is JSON in another one, or refused by name."""
    client, upstream = data.draw(st.sampled_from(PAIRS))
    body = data.draw(mutated(BODIES[client], WORDS))
    if isinstance(DIALECTS[client].read(body), Refusal):
        return

    done = attempt(client, upstream, body, drop=data.draw(st.booleans()))

    if isinstance(done, Refusal):
        assert done.code.status < 500
    else:
        json.loads(done.body)
        assert done.demand.stream is False


def test_every_dialect_that_is_translated_has_samples() -> None:
    """No kind is left out of what is fuzzed for want of bytes to begin with."""
    assert set(KINDS) <= set(STREAMED)
