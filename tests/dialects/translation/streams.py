"""Streams for the tests: written by hand in each dialect, and generated as deltas."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import astuple, replace

from headgate.records.conversation import RedactedThinking
from headgate.records.reply import (
    Begin,
    Counted,
    Delta,
    End,
    Ending,
    Finish,
    TextDelta,
    ThinkingDelta,
    Tokens,
    ToolBegin,
    ToolDelta,
)
from tests.dialects.translation.speech import (
    AT_S,
    CHAT,
    GEMINI,
    KINDS,
    MESSAGES,
    SAMPLES,
    TRANSLATORS,
)


def events(text: bytes) -> list[Any]:
    """Return the data of a stream's events; `[DONE]` as the string."""
    found = []
    for event in text.replace(b"\r\n", b"\n").split(b"\n\n"):
        lines = [line[5:].strip() for line in event.split(b"\n") if line.startswith(b"data:")]
        if lines:
            found.append("[DONE]" if lines[0] == b"[DONE]" else json.loads(lines[0]))
    return found


def rendered(kind: str, deltas: list[Delta], *, usage_wanted: bool = True) -> bytes:
    """Return deltas as the stream of a dialect."""
    renderer = TRANSLATORS[kind].StreamRenderer(AT_S, usage_wanted=usage_wanted)
    return b"".join(map(renderer.render, deltas))


def parsed(kind: str, text: bytes) -> list[Delta]:
    """Return the deltas of a stream."""
    parser = TRANSLATORS[kind].StreamParser()
    found: list[Delta] = []
    for data in events(text):
        line = data if isinstance(data, str) else json.dumps(data)
        found += parser.parse(line.encode())
    return [*found, *parser.end()]


def countable(kind: str, counted: Tokens) -> Tokens:
    """Return counts as a dialect can tell them: Gemini has no word for a cache that is written."""
    if kind != GEMINI:
        return counted
    return replace(counted, uncached=counted.uncached + counted.cache_write, cache_write=0)


def merged(deltas: list[Delta]) -> list[Any]:
    """Return what deltas say, whatever their pieces: texts joined, beginnings left out."""
    said: list[Any] = []
    for delta in deltas:
        match delta:
            case TextDelta(text=text):
                _join(said, "text", text)
            case ThinkingDelta(text=text):
                _join(said, "thinking", text)
            case ToolDelta(number=number, arguments=arguments):
                _join(said, f"tool {number}", arguments)
            case ToolBegin(number=number, id=identity, name=name):
                said.append([f"tool {number}", f"{identity} {name} "])
            case Ending(finish=finish):
                said.append(["finish", "stop" if finish == "stop_sequence" else finish])
            case Counted(tokens=counted):
                said.append(["tokens", astuple(counted)])
            case _:
                pass
    kept = [piece for piece in said if piece[0] != "tokens" and piece[1]]
    counts = [piece for piece in said if piece[0] == "tokens"]
    return [*kept, counts[-1] if counts else None]


def _join(said: list[Any], kind: str, text: str) -> None:
    if said and said[-1][0] == kind:
        said[-1][1] += text
    else:
        said.append([kind, text])


@st.composite
def answers(draw: Callable[[Any], Any]) -> list[Delta]:
    """A whole stream: thoughts, words, tools, the end and what was used."""
    words = st.text(min_size=1, max_size=8)
    deltas: list[Delta] = [Begin("id-1", "model-1")]
    if draw(st.booleans()):
        deltas += [ThinkingDelta(text) for text in draw(st.lists(words, min_size=1, max_size=3))]
        deltas.append(ThinkingDelta(signature="c2lnbg=="))
    if draw(st.booleans()):
        deltas.append(RedactedThinking("b3BhcXVl"))
    deltas += [TextDelta(text) for text in draw(st.lists(words, max_size=4))]
    calls = draw(st.integers(0, 4))
    for number in range(calls):
        deltas.append(ToolBegin(number, f"call_{number}", draw(words)))
        text = json.dumps({"a": draw(st.text(max_size=20)), "b": [1.5, None]})
        cut = draw(st.integers(1, len(text) - 1))
        deltas += [ToolDelta(number, text[:cut]), ToolDelta(number, text[cut:])]
    finishes: list[Finish] = ["tool_use"] if calls else ["stop", "length", "refusal"]
    deltas.append(Ending(draw(st.sampled_from(finishes))))
    count = st.integers(0, 100_000)
    output = draw(count)
    reasoning = draw(st.integers(0, output))
    deltas.append(Counted(Tokens(draw(count), draw(count), draw(count), output, reasoning)))
    return [*deltas, End()]


CHAT_STREAM = (SAMPLES / f"{CHAT}.sse").read_bytes()
MESSAGES_STREAM = (SAMPLES / f"{MESSAGES}.sse").read_bytes()
STREAMS = {kind: (SAMPLES / f"{kind}.sse").read_bytes() for kind in KINDS}
