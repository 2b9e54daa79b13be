r"""How much of a stream's bytes a model may have written: all that is not known to be frame.

A byte-level tokenizer makes at most one token of each byte of UTF-8, and JSON never writes a text
shorter than its UTF-8; so the bytes of a stream bound the tokens in it, and are many times more,
for each event names its reply anew. A frame made here matches members of events that providers
write: by their names, and with values that are no text of a model's. It cannot match inside a
text, where JSON writes each quotation mark with a backslash before it. What it does not know, or
what a cut has parted, counts.
"""

import re
from typing import Final, NamedTuple

SIGNS_MAX: Final = 32
"""So many signs of JSON, or ends of lines, between two members are known to be frame."""
LINES_MAX: Final = 8
"""So many lines without a member between two members are known to be frame."""


class Frame(NamedTuple):
    """What no model wrote.

    Attributes:
        pattern: Matches it.
        unless: Where this stands, all bytes count; None for nowhere.
    """

    pattern: re.Pattern[bytes]
    unless: bytes | None = None


def frame(
    *, facts: bytes, openers: bytes, whole_events: bytes = b"", unless: bytes | None = None
) -> Frame:
    """Return what no model wrote.

    Args:
        facts: Names of members, as alternatives of a pattern, that count only as frame, with
            their values: texts without a backslash, whole numbers, `null`, `true`, `false`.
        openers: Names of members whose values count.
        whole_events: Names of events that only repeat or announce: their data is frame whole.
        unless: What stands in every event in which a model may have written members, names and
            all, not texts alone; None where it writes texts only.
    """
    value = rb'(?:"[^"\\]*+"|null|true|false|-?\d++)'
    # So much at once and no more: a search that fails begins anew one sign further on, and would
    # read a long row of them once for each.
    signs = rb"[\s,{}\[\]]{0,%d}+" % SIGNS_MAX
    between = rb"%b(?:(?:data:|event: ?[\w.]++(?=[\r\n]))%b){0,%d}+" % (signs, signs, LINES_MAX)
    member = rb'"(?:(?:%b)"\s*+:\s*+%b|(?:%b)"\s*+:)' % (facts, value, openers)
    last = rb"[}\]]{1,%d}+[\r\n]{1,%d}+\Z" % (SIGNS_MAX, LINES_MAX)
    # A run of members is one match: that is three times as fast as a match for each.
    pattern = rb"(?:%b%b)++|%b" % (between, member, last)
    if whole_events:
        pattern = rb"event: ?(?:%b)\r?\ndata:[^\r\n]*+|%b" % (whole_events, pattern)
    return Frame(re.compile(pattern), unless)


def written_bytes(unwritten: Frame, events: bytes) -> int:
    """Return how many of the bytes a model may have written; they begin with an event."""
    if unwritten.unless is not None and unwritten.unless in events:
        return len(events)
    return len(unwritten.pattern.sub(b"", events))
