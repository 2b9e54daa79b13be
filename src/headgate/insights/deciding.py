"""Asking and deciding about approvals through the gateway, as whoever holds a key.

The gateway knows keys; who shows a page or runs a command does not.
"""

import http.client
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

import msgspec

from headgate.gateway.listener.own import Place, line
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


class Wanted(NamedTuple):
    """A raise of a limit that somebody asks for; `until` is ISO 8601 with an offset."""

    budget: str
    by_usd: str
    until: str
    reason: str


class Kept(msgspec.Struct):
    """What the gateway says to a request that it keeps."""

    id: str


def decide(place: Place, key: str, said: Said) -> str | None:
    """Decide; returns why the gateway refuses the decision, None when it was taken.

    Raises:
        UnansweredError: Nobody knows whether it was.
    """
    body = {"decision": said.verdict, "digest": said.digest, "reason": said.reason}
    status, text = _post(place, key, f"/v1/approvals/{quote(said.approval, safe='')}", body)
    return None if status == 200 else _why(place.url, text)


def ask_raise(place: Place, key: str, wanted: Wanted) -> tuple[str | None, str]:
    """Ask for a raise; returns the request's id, or None and why the gateway refuses.

    Raises:
        UnansweredError: Nobody knows whether it was asked for.
    """
    status, text = _post(place, key, "/v1/approvals", wanted._asdict())
    if status != 202:
        return None, _why(place.url, text)
    try:
        return msgspec.json.decode(text, type=Kept).id, ""
    except msgspec.DecodeError as error:
        raise UnansweredError(f"{place.url} does not answer: {error}") from error


def post_for(
    place: Place, key: str, path: str, body: Mapping[str, object]
) -> tuple[str | None, bytes]:
    """Post a body; returns None and the answer, or why the gateway refuses.

    Raises:
        UnansweredError: Nobody knows whether it was taken.
    """
    status, text = _post(place, key, path, body)
    return (None, text) if status == 200 else (_why(place.url, text), b"")


def _why(url: str, text: bytes) -> str:
    try:
        return msgspec.json.decode(text, type=Answer).error.message
    except msgspec.DecodeError as error:
        raise UnansweredError(f"{url} does not answer: {error}") from error


def _post(place: Place, key: str, path: str, body: Mapping[str, object]) -> tuple[int, bytes]:
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    try:
        opened = line(place, TIMEOUT_S)
        try:
            opened.request("POST", path, msgspec.json.encode(body), headers)
            answer = opened.getresponse()
            return answer.status, answer.read(ANSWER_BYTES_MAX)
        finally:
            opened.close()
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise UnansweredError(f"{place.url} does not answer: {error}") from error
