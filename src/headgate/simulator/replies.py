"""A reply as a script: what to send, when, and how it ends. The server plays it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

import msgspec

Headers = tuple[tuple[str, str], ...]


class Step(NamedTuple):
    """A wait, and what is sent after it.

    Attributes:
        delay_ms: The wait before it.
        frames: Sent together, each as its own HTTP chunk in a chunked reply.
        output_tokens: Tokens generated so far, with this step.
    """

    delay_ms: float
    frames: tuple[bytes, ...]
    output_tokens: int


class Framing(Enum):
    """How the end of the body is told."""

    LENGTH = "content-length"
    CHUNKED = "chunked"
    CLOSE = "close"


class Ending(Enum):
    """What happens after the last step."""

    COMPLETE = "complete"
    CUT = "cut"
    STALL = "stall"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply.

    Attributes:
        steps: What is sent; nothing, not even a head, when it is empty.
        content_length: Of the body, for `Framing.LENGTH`.
        on_end: Told once, just before the last step is sent or when the client is gone: the
            tokens that were sent, and whether the reply was completed.
    """

    status: int
    headers: Headers
    steps: Iterator[Step]
    framing: Framing
    content_length: int = 0
    ending: Ending = Ending.COMPLETE
    on_end: Callable[[int, bool], None] | None = None


def body_reply(status: int, headers: Headers, body: bytes, *, delay_ms: float = 0) -> Reply:
    """Return a reply that is sent in one piece."""
    steps = iter((Step(delay_ms, (body,), 0),))
    return Reply(status, headers, steps, Framing.LENGTH, len(body))


def json_reply(status: int, headers: Headers, document: Any) -> Reply:
    """Return a document as a reply."""
    body = msgspec.json.encode(document)
    return body_reply(status, (("content-type", "application/json"), *headers), body)


def silent_reply(ending: Ending) -> Reply:
    """Return a reply that never sends a byte."""
    return Reply(0, (), iter(()), Framing.CLOSE, ending=ending)
