"""Jira: issues that come to a status of the category Done, and those that leave it again.

Format and signature: https://developer.atlassian.com/cloud/jira/platform/webhooks/ ; the signature
is that of WebSub (`method=signature`, https://www.w3.org/TR/websub/#signing-content).
"""

from collections.abc import Mapping

import msgspec
from msgspec import Struct, field

from headgate.trackers.naming import Naming, subjects
from headgate.trackers.registry import Ending, Heard, Ignored
from headgate.trackers.signatures import hex_mark, is_same

KIND = "jira"
_SIGNATURE, _DELIVERY = "x-hub-signature", "x-atlassian-webhook-identifier"
HEADERS = (_SIGNATURE, _DELIVERY)
_UPDATED, _REOPENED, _DONE = "jira:issue_updated", "issue_reopened", "done"
UNREACHED = frozenset(
    {"abandoned", "canceled", "cancelled", "cannot reproduce", "declined", "duplicate"}
    | {"incomplete", "invalid", "obsolete", "rejected", "won't do", "won't fix"}
)
"""Names of resolutions and statuses, in small letters, under which nothing was reached."""


class _Named(Struct):
    name: str = ""


class _Category(Struct):
    key: str = ""


class _Status(Struct):
    name: str = ""
    category: _Category = field(name="statusCategory", default_factory=_Category)


class _Fields(Struct):
    """`description` may be a document instead of a text, which is not read."""

    status: _Status = field(default_factory=_Status)
    resolution: _Named | None = None
    description: object = None
    labels: tuple[str, ...] | None = None


class _Issue(Struct):
    key: str
    fields: _Fields


class _Change(Struct):
    what: str = field(name="field")
    before: str | None = field(name="from", default=None)
    after: str | None = field(name="to", default=None)


class _Changes(Struct):
    items: tuple[_Change, ...] = ()


class _Event(Struct):
    event: str = field(name="webhookEvent", default="")


class _Message(Struct):
    issue: _Issue
    event_type: str = field(name="issue_event_type_name", default="")
    changelog: _Changes = field(default_factory=_Changes)


_decode_event = msgspec.json.Decoder(_Event).decode
_decode = msgspec.json.Decoder(_Message).decode


def is_signed(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Tell whether the body was signed with the secret."""
    return is_same(headers.get(_SIGNATURE), f"sha256={hex_mark(secret, body)}")


def read(headers: Mapping[str, str], body: bytes, naming: Naming) -> Heard:
    """Read a message: done is a success, unless its resolution or status says otherwise.

    An issue that loses its resolution, or whose event says so, was reopened.
    """
    event = _decode_event(body).event
    if event != _UPDATED:
        return Ignored(f"Events {event[:64]!r} tell of no ending.")
    message = _decode(body)
    fields = message.issue.fields
    changed = [one for one in message.changelog.items if one.what in ("status", "resolution")]
    unresolved = any(one.what == "resolution" and one.after is None for one in changed)
    if not changed:
        return Ignored("Neither its status nor its resolution changed.")
    if fields.status.category.key == _DONE:
        named = "" if fields.resolution is None else fields.resolution.name
        success = UNREACHED.isdisjoint({named.lower(), fields.status.name.lower()})
        what = f"{fields.status.name} ({named})" if named else fields.status.name
    elif unresolved or message.event_type == _REOPENED:
        success, what = False, "reopened"
    else:
        return Ignored(f"{fields.status.name[:64]!r} is no ending.")
    text = fields.description if isinstance(fields.description, str) else None
    return Ending(
        subjects(naming, text, None, fields.labels or ()),
        success,
        f"{message.issue.key} {what}",
        headers.get(_DELIVERY),
    )
