"""GitHub: pull requests that are merged, closed or reopened, and issues.

Signatures: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
Payloads: https://docs.github.com/en/webhooks/webhook-events-and-payloads (`pull_request`, `issues`)
"""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from headgate.trackers.naming import Naming, subjects
from headgate.trackers.registry import Ending, Heard, Ignored
from headgate.trackers.signatures import hex_mark, is_same

KIND = "github"
_SIGNATURE, _EVENT, _DELIVERY = "x-hub-signature-256", "x-github-event", "x-github-delivery"
HEADERS = (_SIGNATURE, _EVENT, _DELIVERY)
COMPLETED = "completed"


class _Label(Struct):
    name: str


class _Head(Struct):
    ref: str


class _Thing(Struct):
    """An issue or a pull request; `state_reason` only of the one, the others of the other."""

    number: int
    body: str | None = None
    labels: tuple[_Label, ...] = ()
    state_reason: str | None = None
    merged: bool = False
    head: _Head | None = None


class _Repository(Struct):
    full_name: str


class _Message(Struct):
    action: str
    repository: _Repository
    pull_request: _Thing | None = None
    issue: _Thing | None = None


_decode = msgspec.json.Decoder(_Message).decode


def is_signed(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Tell whether the body was signed with the secret."""
    return is_same(headers.get(_SIGNATURE), f"sha256={hex_mark(secret, body)}")


def read(headers: Mapping[str, str], body: bytes, naming: Naming) -> Heard:
    """Read a message: merged or completed is a success; closed else, or reopened, is none."""
    event = headers.get(_EVENT, "")
    if event not in ("pull_request", "issues"):
        return Ignored(f"Events {event!r} tell of no ending.")
    message = _decode(body)
    thing = message.pull_request if event == "pull_request" else message.issue
    if thing is None or message.action not in ("closed", "reopened"):
        return Ignored(f"{event} {message.action!r} is no ending.")
    what = message.action
    if what == "closed":
        what = "merged" if thing.merged else f"closed as {thing.state_reason or 'not merged'}"
        if event == "issues" and thing.state_reason in (None, COMPLETED):
            # Servers of one's own may be of before there were reasons.
            what = "completed"
    return Ending(
        subjects(
            naming,
            thing.body,
            None if thing.head is None else thing.head.ref,
            [label.name for label in thing.labels],
        ),
        what in ("merged", "completed"),
        f"{message.repository.full_name}#{thing.number} {what}",
        headers.get(_DELIVERY),
    )
