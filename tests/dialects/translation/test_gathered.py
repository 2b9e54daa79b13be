"""A stream gathered into the answer that it says."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headgate.dialects.translation.gathered import Gathered
from headgate.records.conversation import Text, ToolUse
from headgate.records.reply import Delta, Ending, TextDelta, ToolBegin, ToolDelta
from tests.dialects.translation.speech import CHAT, MESSAGES, TRANSLATORS
from tests.dialects.translation.streams import answers, parsed, rendered


@settings(max_examples=30)
@given(deltas=answers(), size=st.integers(1, 200))
@pytest.mark.parametrize("kind", [CHAT, MESSAGES])
def test_a_stream_is_gathered_however_it_is_cut(kind: str, deltas: list[Delta], size: int) -> None:
    """Into the words and the calls that it says, and why it ended; not before it is whole."""
    text = rendered(kind, deltas)
    gathered, early = (Gathered(TRANSLATORS[kind].StreamParser()) for _ in range(2))
    for at in range(0, len(text), size):
        gathered.feed(text[at : at + size])
    early.feed(text[: len(text) // 2])

    reply = gathered.reply()

    assert early.reply() is None
    assert reply is not None
    said = parsed(kind, text)
    words = [each.text for each in said if isinstance(each, TextDelta)]
    assert "".join(part.text for part in reply.parts if isinstance(part, Text)) == "".join(words)
    uses = [(part.id, part.name) for part in reply.parts if isinstance(part, ToolUse)]
    assert uses == [(each.id, each.name) for each in said if isinstance(each, ToolBegin)]
    given = "".join(part.arguments for part in reply.parts if isinstance(part, ToolUse))
    pieces = [each for each in said if isinstance(each, ToolDelta)]
    pieces.sort(key=lambda each: each.number)
    assert given == "".join(each.arguments for each in pieces)
    assert [reply.finish] == [each.finish for each in said if isinstance(each, Ending)]
