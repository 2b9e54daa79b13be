r"""How much of a stream's bytes a model may have written: all that is not known to be frame.

A byte-level tokenizer makes at most one token of each byte of UTF-8, and JSON never writes a text
shorter than its UTF-8; so the bytes of a stream bound the tokens in it, and are many times more,
for each event names its reply anew. A pattern made here matches members of events that providers
write: by their names, and with values that are no text of a model's. It cannot match inside a
text, where JSON writes each quotation mark with a backslash before it. What it does not know, or
what a cut has parted, counts.
"""

import re


def frame(*, facts: bytes, openers: bytes, whole_events: bytes = b"") -> re.Pattern[bytes]:
    """Return a pattern of what no model wrote.

    Args:
        facts: Names of members, as alternatives of a pattern, that count only as frame, with
            their values: texts without a backslash, whole numbers, `null`, `true`, `false`.
        openers: Names of members whose values count.
        whole_events: Names of events that only repeat or announce: their data is frame whole.
    """
    value = rb'(?:"[^"\\]*+"|null|true|false|-?\d++)'
    between = rb"(?:[\s,{}\[\]]++|data:|event: ?[\w.]++(?=[\r\n]))*+"
    member = rb'"(?:(?:%b)"\s*+:\s*+%b|(?:%b)"\s*+:)' % (facts, value, openers)
    pattern = between + member
    if whole_events:
        pattern = rb"event: ?(?:%b)\r?\ndata:[^\r\n]*+|%b" % (whole_events, pattern)
    return re.compile(pattern)


def written_bytes(unwritten: re.Pattern[bytes] | None, events: bytes) -> int:
    """Return how many of the bytes a model may have written."""
    return len(events if unwritten is None else unwritten.sub(b"", events))
