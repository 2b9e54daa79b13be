"""Any program that can sign a body: the form is our own, and documented in the reference.

One such body: `{"id": "build-7", "run": "nightly-7", "outcome": "success"}`.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from headgate.records.control import OutcomeKind
from headgate.trackers.naming import Naming
from headgate.trackers.registry import Ending
from headgate.trackers.signatures import hex_mark, is_same
from headgate.units.ids import is_run

KIND = "generic"
_SIGNATURE = "x-headgate-signature"
HEADERS = (_SIGNATURE,)
SECONDS_PER_MINUTE = 60


class Told(Struct, forbid_unknown_fields=True):
    """The body; exactly one of `call`, `run` and `session`.

    Attributes:
        id: What the message is called; the same when it is sent again.
        outcome: `rework` is what came back after it had succeeded, and counts as `failure` does.
        human_minutes: Whole minutes that people worked on it.
    """

    id: Annotated[str, Meta(min_length=1, max_length=128)]
    outcome: Literal["success", "failure", "rework"]
    call: str | None = None
    run: str | None = None
    session: str | None = None
    human_minutes: Annotated[int, Meta(ge=0, le=10_000_000)] | None = None
    task: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    note: Annotated[str, Meta(max_length=900)] = ""


_decode = msgspec.json.Decoder(Told).decode


def is_signed(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Tell whether the body was signed with the secret."""
    return is_same(headers.get(_SIGNATURE), f"sha256={hex_mark(secret, body)}")


def read(_headers: Mapping[str, str], body: bytes, _naming: Naming) -> Ending:
    """Read a message; it names what it is about itself.

    Raises:
        msgspec.DecodeError: It cannot be read, or names nothing (`ValidationError`).
    """
    told = _decode(body)
    named: tuple[tuple[OutcomeKind, str | None], ...]
    named = (("call", told.call), ("run", told.run), ("session", told.session))
    found = tuple((kind, name) for kind, name in named if name is not None)
    if len(found) != 1 or not is_run(found[0][1]):
        raise msgspec.ValidationError("Name one of `call`, `run` and `session`, as one is named")
    seconds = None if told.human_minutes is None else told.human_minutes * SECONDS_PER_MINUTE
    note = f"{told.outcome}: {told.note}" if told.note else told.outcome
    return Ending(found, told.outcome == "success", note, told.id, told.task, seconds)
