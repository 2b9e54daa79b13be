"""What a wire asks a provider, request by request, without a connection; pure.

A wire yields requests and is sent their answers, so that whoever has connections decides how.
"""

from collections.abc import Generator
from typing import NamedTuple, TypeVar

import msgspec

from headgate.records.batch import Counts

T = TypeVar("T")


class Asking(NamedTuple):
    """One request; `path` is behind the provider's base address."""

    method: str
    path: str
    body: bytes = b""
    content_type: str = "application/json"


class Answered(NamedTuple):
    """Its answer."""

    status: int
    body: bytes


Steps = Generator[Asking, Answered, T]


LATER = (401, 403, 408, 409, 429)
"""Statuses that say nothing of the batch: it may be taken later."""
NO_ROOM = (503, 529)
"""Statuses of a server that has taken nothing up, for it has too much to do."""


class RejectedError(Exception):
    """The provider says no.

    Attributes:
        final: Whether it says no to this batch, and would again.
        doubtful: Whether something may have come of the request all the same.
        status: Of the answer that says so; 0 where it is no answer's status that does.
    """

    def __init__(
        self, message: str, *, final: bool, doubtful: bool = False, status: int = 0
    ) -> None:
        self.final, self.doubtful, self.status = final, doubtful, status
        super().__init__(message)


def rejection(answer: Answered) -> RejectedError:
    """Return what an answer says that is no good one.

    Who says that a server failed or was too slow may only stand before it.
    """
    status = answer.status
    final = 400 <= status < 500 and status not in LATER
    doubtful = status == 408 or (status >= 500 and status not in NO_ROOM)
    message = f"HTTP {status}: {reason_of(answer.body)}"
    return RejectedError(message, final=final, doubtful=doubtful, status=status)


class PendingError(Exception):
    """It cannot be told yet."""


class Look(NamedTuple):
    """How a batch stands at its provider.

    Attributes:
        ended: The word for how it ended, None while it runs.
        counts: How many lines did.
        files: Where the results are, as the wire names it.
        whole: Whether each line that ran is among the results: one that is missing may have cost.
        error: Why the provider refused it as a whole, None when it did not.
    """

    ended: str | None
    counts: Counts
    files: tuple[str, ...] = ()
    whole: bool = False
    error: str | None = None


def asked(asking: Asking) -> Steps[bytes]:
    """Ask for something, and return the body of a good answer.

    Raises:
        RejectedError: It is none.
    """
    answer = yield asking
    if not 200 <= answer.status < 300:
        raise rejection(answer)
    return answer.body


REASON_CHARS = 300


class _Error(msgspec.Struct):
    message: str = ""


class _Body(msgspec.Struct):
    error: _Error


def reason_of(body: bytes) -> str:
    """Return what an error says for people, cut."""
    try:
        return msgspec.json.decode(body, type=_Body).error.message[:REASON_CHARS]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return body[:REASON_CHARS].decode("utf-8", "replace")
