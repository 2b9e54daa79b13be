"""Lines of batches: each has an id of its client's, and a name of ours on the way; pure."""

import re
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from headgate.records.batch import CUSTOM_ID_MAX, FILES_KEPT_NS, LINES_MAX, Result
from headgate.units.errors import BODY_INVALID, Refusal

TOLD_MAX = 5
"""So many lines a refusal names."""


class Asked(NamedTuple):
    """A line as its client sent it; `body` is that of the request."""

    custom_id: str
    body: bytes


class Outcome(NamedTuple):
    """How a line ended.

    Attributes:
        number: Its place in the batch, None when the provider names a line we never sent.
        result: How it ended.
        reply: The body of the reply, None where there is none.
        status: HTTP status of the reply, 0 when there was none.
        told: The line as its client gets it.
        reply_id: The request's id at the provider, None when it says none.
    """

    number: int | None
    result: Result
    reply: bytes | None
    status: int
    told: bytes
    reply_id: str | None = None


class Wanted(NamedTuple):
    """What a client asks for by making a batch.

    Attributes:
        endpoint: The path that each line would be posted to.
        input_file: The file that has the lines, None where they are here.
        lines: They, where they came along.
        metadata: JSON of an object.
        output_kept_ns: For how long files of results are kept.
    """

    endpoint: str
    input_file: str | None
    lines: tuple[Asked, ...]
    metadata: str
    output_kept_ns: int = FILES_KEPT_NS


def name_of(call: str, number: int) -> str:
    """Return what a line is called at the provider: unlike its client's name it is ours alone."""
    return f"{call}-{number}"


def number_of(name: str) -> int | None:
    """Return the place of a line by what it is called at the provider."""
    number = name.rpartition("-")[2]
    return int(number) if number.isdecimal() else None


def one_line(body: bytes) -> bytes:
    """Return a body of JSON that was read as one line: its client may have spread it over many."""
    return msgspec.json.format(body, indent=-1)


def objection(lines: list[Asked], legal: re.Pattern[str]) -> Refusal | None:
    """Tell what is wrong with the lines of a batch as such, None for nothing."""
    if not lines:
        return Refusal(BODY_INVALID, "A batch has at least one line.")
    if len(lines) > LINES_MAX:
        return Refusal(BODY_INVALID, f"A batch may have {LINES_MAX} lines, not {len(lines)}.")
    seen: set[str] = set()
    for number, line in enumerate(lines, 1):
        if legal.fullmatch(line.custom_id) is None:
            message = f"Line {number}: custom_id is 1 to {CUSTOM_ID_MAX} plain characters."
            return Refusal(BODY_INVALID, message, "custom_id")
        if line.custom_id in seen:
            message = f"Line {number}: the custom_id {line.custom_id!r} is there twice."
            return Refusal(BODY_INVALID, message, "custom_id")
        seen.add(line.custom_id)
    return None


def named(objections: Iterable[tuple[int, str]]) -> str:
    """Return what is wrong with which lines, the first of them."""
    all_of = list(objections)
    told = " ".join(f"Line {number}: {why}" for number, why in all_of[:TOLD_MAX])
    more = len(all_of) - TOLD_MAX
    return f"{told} And {more} more lines." if more > 0 else told
