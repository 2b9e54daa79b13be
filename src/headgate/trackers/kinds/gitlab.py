"""GitLab: merge requests that are merged, closed or reopened, and issues.

Payloads: https://docs.gitlab.com/user/project/integrations/webhook_events/
A hook with a signing token signs as Standard Webhooks do; one with a secret token alone shows it:
https://docs.gitlab.com/user/project/integrations/webhooks/
"""

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from headgate.trackers.naming import Naming, subjects
from headgate.trackers.registry import Ending, Heard, Ignored
from headgate.trackers.signatures import STANDARD_HEADERS, is_same, is_standard

KIND = "gitlab"
_TOKEN, _DELIVERY = "x-gitlab-token", "idempotency-key"
HEADERS = (_TOKEN, _DELIVERY, *STANDARD_HEADERS)
_THINGS = {"merge_request": "!", "issue": "#", "work_item": "#"}
"""Kinds of things, with the sign before their numbers."""
_SUCCESS = {("merge_request", "merge"), ("issue", "close"), ("work_item", "close")}
_ENDINGS = {"merge": "merged", "close": "closed", "reopen": "reopened"}


class _Label(Struct):
    title: str


class _Thing(Struct):
    iid: int
    action: str = ""
    description: str | None = None
    source_branch: str | None = None


class _Project(Struct):
    path_with_namespace: str


class _Kind(Struct):
    object_kind: str = ""


class _Message(Struct):
    project: _Project
    object_attributes: _Thing
    labels: tuple[_Label, ...] | None = None


_decode_kind = msgspec.json.Decoder(_Kind).decode
_decode = msgspec.json.Decoder(_Message).decode


def is_signed(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Tell whether the body was signed with the secret, or the secret shown where nothing is."""
    if "webhook-signature" in headers:
        return is_standard(secret, headers, body)
    return is_same(headers.get(_TOKEN), secret)


def read(headers: Mapping[str, str], body: bytes, naming: Naming) -> Heard:
    """Read a message: merged is a success, as is an issue that is closed; GitLab has no reasons."""
    kind = _decode_kind(body).object_kind
    if kind not in _THINGS:
        return Ignored(f"Events {kind[:64]!r} tell of no ending.")
    message = _decode(body)
    thing = message.object_attributes
    if thing.action not in _ENDINGS:
        return Ignored(f"{kind} {thing.action[:64]!r} is no ending.")
    return Ending(
        subjects(
            naming,
            thing.description,
            thing.source_branch,
            [label.title for label in message.labels or ()],
        ),
        (kind, thing.action) in _SUCCESS,
        f"{message.project.path_with_namespace}{_THINGS[kind]}{thing.iid} {_ENDINGS[thing.action]}",
        headers.get(_DELIVERY) or headers.get("webhook-id"),
    )
