"""Deciding about a request for approval through the gateway, as whoever holds a key.

The gateway knows keys; who shows a page or runs a command does not.
"""

import http.client
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import msgspec

from headgate.governance.requests import Verdict

TIMEOUT_S = 15
ANSWER_BYTES_MAX = 1 << 20


class Said(NamedTuple):
    """What somebody says of a request; `digest` is that of what they were shown."""

    approval: str
    verdict: Verdict
    digest: str
    reason: str = ""


class Why(msgspec.Struct):
    """Why the gateway refuses."""

    message: str


class Answer(msgspec.Struct):
    """What the gateway says when it refuses, in the dialect of paths that no dialect owns."""

    error: Why


class UnansweredError(Exception):
    """The gateway does not answer, or nothing that can be read."""


def decide(url: str, key: str, said: Said) -> str | None:
    """Decide; returns why the gateway refuses the decision, None when it was taken.

    Raises:
        UnansweredError: Nobody knows whether it was.
    """
    body = msgspec.json.encode(
        {"decision": said.verdict, "digest": said.digest, "reason": said.reason}
    )
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    try:
        line = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
        headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        path = f"/v1/approvals/{quote(said.approval, safe='')}"
        try:
            line.request("POST", path, body, headers)
            answer = line.getresponse()
            text = answer.read(ANSWER_BYTES_MAX)
        finally:
            line.close()
        if answer.status == 200:
            return None
        return msgspec.json.decode(text, type=Answer).error.message
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise UnansweredError(f"{url} does not answer: {error}") from error
