"""Linear: issues that come to a state of the type completed or canceled, or leave one again.

Format and signature: https://linear.app/developers/webhooks
"""

from collections.abc import Mapping

import msgspec
from msgspec import UNSET, Struct, UnsetType, field

from headgate.trackers.naming import Naming, subjects
from headgate.trackers.registry import Ending, Heard, Ignored
from headgate.trackers.signatures import hex_mark, is_same

KIND = "linear"
_SIGNATURE, _DELIVERY = "linear-signature", "linear-delivery"
HEADERS = (_SIGNATURE, _DELIVERY)
_COMPLETED = "completed"
_ENDED = (_COMPLETED, "canceled", "duplicate")


class _State(Struct):
    type: str = ""
    name: str = ""


class _Label(Struct):
    name: str = ""


class _Issue(Struct):
    identifier: str = ""
    state: _State = field(default_factory=_State)
    description: str | None = None
    branch: str | None = field(name="branchName", default=None)
    labels: tuple[_Label, ...] | None = None


class _Before(Struct):
    """What changed, as it was; what is not there did not change."""

    state: str | UnsetType | None = field(name="stateId", default=UNSET)
    completed_at: str | None = field(name="completedAt", default=None)
    canceled_at: str | None = field(name="canceledAt", default=None)


class _Kind(Struct):
    type: str = ""
    action: str = ""


class _Message(Struct):
    data: _Issue
    before: _Before = field(name="updatedFrom", default_factory=_Before)


_decode_kind = msgspec.json.Decoder(_Kind).decode
_decode = msgspec.json.Decoder(_Message).decode


def is_signed(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Tell whether the body was signed with the secret."""
    return is_same(headers.get(_SIGNATURE), hex_mark(secret, body))


def read(headers: Mapping[str, str], body: bytes, naming: Naming) -> Heard:
    """Read a message: completed is a success; canceled, or reopened, is none."""
    kind = _decode_kind(body)
    if (kind.type, kind.action) != ("Issue", "update"):
        return Ignored(f"{kind.type[:64]!r} {kind.action[:64]!r} is no ending.")
    message = _decode(body)
    issue, before = message.data, message.before
    if before.state is UNSET:
        return Ignored("Its state did not change.")
    if issue.state.type in _ENDED:
        what = issue.state.name or issue.state.type
    elif before.completed_at or before.canceled_at:
        what = "reopened"
    else:
        return Ignored(f"The state {issue.state.name[:64]!r} is no ending.")
    return Ending(
        subjects(
            naming, issue.description, issue.branch, [label.name for label in issue.labels or ()]
        ),
        issue.state.type == _COMPLETED,
        f"{issue.identifier} {what}",
        headers.get(_DELIVERY),
    )
