"""Sources of what is said: told in every dialect, for the very words they stand for."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.dialects.translation.citations import segments
from headgate.records.conversation import Text, ToolUse
from headgate.records.reply import Begin, Citation, Cited, Delta, End, Ending, Reply, TextDelta
from tests.dialects.translation.sdk_types import check
from tests.dialects.translation.speech import AT_S, GEMINI, KINDS, MESSAGES, RESPONSES, TRANSLATORS
from tests.dialects.translation.streams import events, parsed, rendered
from tests.dialects.translation.test_replies import TYPES, told

URL = "https://example.org/a"
WORDS = "Die Fähre fährt um acht. Sie kostet nichts."


def reply(*citations: Citation, text: str = WORDS) -> Reply:
    """Return a reply with its sources, and a call behind its words."""
    return Reply("r", "m", (Text(text), ToolUse("c", "look", "{}")), "stop", citations=citations)


def words_of(kind: str, document: dict[str, Any]) -> set[tuple[str, str]]:
    """Return which words a rendered reply says to come from where, read as its own clients do."""
    said = TRANSLATORS[kind].parse_reply(json.dumps(document).encode())
    text = "".join(part.text for part in said.parts if isinstance(part, Text))
    return {(each.url, text[each.start : each.end]) for each in said.citations}


@pytest.mark.parametrize("client", KINDS)
@pytest.mark.parametrize("upstream", KINDS)
def test_the_words_of_a_source_are_the_same_everywhere(client: str, upstream: str) -> None:
    """Each dialect counts in its own way, and a source stands for the same words in all."""
    start = WORDS.index("Sie")
    found = reply(Citation(URL, "A", start, start + 10), Citation("https://b.example", "", 0, 9))
    sent = TRANSLATORS[upstream].render_reply(found, AT_S)

    document = json.loads(sent) if client == upstream else told(client, upstream, json.loads(sent))

    # The SDK has another name for what the service calls sources, and turns the one into the other.
    official = json.loads(json.dumps(document).replace("citationSources", "citations"))
    check(TYPES[client], official)
    assert words_of(client, document) == {
        (URL, "Sie kostet"),
        ("https://b.example", "Die Fähre"),
    }


@given(st.text(min_size=1), st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40))))
def test_no_word_gets_lost_where_a_text_is_cut(text: str, ends: list[tuple[int, int]]) -> None:
    """The pieces are the text, and each stands under the sources that cover it whole."""
    citations = [Citation(URL, str(number), *sorted(each)) for number, each in enumerate(ends)]
    pieces = list(segments(text, citations))

    assert "".join(piece for piece, _ in pieces) == text
    at = 0
    for piece, under in pieces:
        over = [each for each in citations if each.start <= at and at + len(piece) <= each.end]
        assert under == over
        at += len(piece)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stream_tells_sources_as_its_own_readers_know_them(kind: str) -> None:
    """What is streamed of a source is read again; a dialect of blocks tells the whole block."""
    cited = Cited(Citation(URL, "", 4, 9))
    said: list[Delta] = [Begin("r", "m"), TextDelta("The ferry"), cited, TextDelta(" runs.")]

    again = parsed(kind, rendered(kind, [*said, Ending("stop"), End()]))

    expected = Citation(URL, "", 0, 15) if kind == MESSAGES else cited.citation
    assert Cited(expected) in again


def test_a_streamed_text_repeats_its_sources_when_it_ends() -> None:
    """The events of Responses repeat what was said, with what was noted of it."""
    said: list[Delta] = [Begin("r", "m"), TextDelta("The ferry"), Cited(Citation(URL, "F", 4, 9))]

    found = events(rendered(RESPONSES, [*said, Ending("stop"), End()]))

    source = {"type": "url_citation", "start_index": 4, "end_index": 9, "url": URL, "title": "F"}
    added = next(each for each in found if each["type"].endswith("annotation.added"))
    assert added["annotation"] == source
    assert found[-1]["response"]["output"][0]["content"][0]["annotations"] == [source]


def test_sources_without_an_address_are_told_as_lost() -> None:
    """A place in a document that the client sent has no counterpart elsewhere."""
    place = {"type": "char_location", "cited_text": "x", "document_index": 0}
    block = {"type": "text", "text": "words", "citations": [place]}
    message = {"id": "r", "model": "m", "content": [block], "stop_reason": "end_turn"}

    found = TRANSLATORS[MESSAGES].parse_reply(json.dumps(message).encode())

    assert (found.citations, found.lost) == ((), ("content[0].citations[0]",))


def test_google_counts_bytes() -> None:
    """The ends of a source are bytes there, in whichever of its two lists it stands."""
    for name in ("citationSources", "citations"):
        metadata = {name: [{"startIndex": 4, "endIndex": 10, "uri": URL}, {"endIndex": 3}]}
        candidate = {"content": {"parts": [{"text": WORDS}]}, "citationMetadata": metadata}
        body = json.dumps({"candidates": [candidate | {"finishReason": "STOP"}]}).encode()

        assert TRANSLATORS[GEMINI].parse_reply(body).citations == (Citation(URL, "", 4, 9),)


def test_a_stream_beyond_ascii_names_the_source_of_all_of_it() -> None:
    """Nobody keeps the words of a stream, so bytes cannot be counted as characters."""
    said: list[Delta] = [Begin("r", "m"), TextDelta("Fähre"), Cited(Citation(URL, "", 0, 2))]

    again = parsed(GEMINI, rendered(GEMINI, [*said, Ending("stop"), End()]))

    assert Cited(Citation(URL, "", 0, 5)) in again
