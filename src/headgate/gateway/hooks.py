"""Hooks: where trackers tell how work ended, by signed messages in place of a key.

    POST /v1/outcomes/hooks/NAME

The worker checks the signature and reads the message, so that what is not signed reaches nobody;
the steward, which has the books, keeps what it tells (`node/control/outcome_hooks.py`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Final

import msgspec

from headgate.gateway.client.request import HEADERS, HeaderTaker, Request, forward
from headgate.identity.directory import Credential
from headgate.records.control import OUTCOME_HOOKS, ControlReply, ControlRequest, Tracked
from headgate.trackers.registry import Ignored, trackers
from headgate.trackers.settings import OutcomeHook
from headgate.units import errors
from headgate.units.errors import Refusal

PATH: Final = b"/v1/outcomes/hooks"
PREFIX: Final = PATH + b"/"
BODY_BYTES_MAX: Final = 1 << 20
"""GitHub's largest texts of 65,536 characters fit several times; strangers send these."""

SHARE: Final = 16
"""Of what bodies in memory may be together, such a part may be messages: the rest is clients'."""

SUBJECTS_MAX: Final = 16
NOTE_CHARS_MAX: Final = 1_000
MARK_CHARS_MAX: Final = 128

_NOBODY: Final = Credential("", "", "", frozenset())
"""Stands for whoever posts to a hook, of whom nothing is known before the body is whole."""

_FULL: Final = Refusal(errors.OVERLOADED, "Too many messages are being read.", None, 1)


class Hooks:
    """The hooks of the configuration, by their paths.

    Attributes:
        room_bytes: How large those messages may be together that are still to begin.
    """

    def __init__(self, hooks: Iterable[OutcomeHook], buffered_bytes_max: int) -> None:
        self.room_bytes = max(buffered_bytes_max // SHARE, BODY_BYTES_MAX)
        self._hooks: dict[bytes, OutcomeHook] = {PREFIX + hook.id.encode(): hook for hook in hooks}
        self._trackers = trackers() if self._hooks else {}

    def takers(self) -> dict[bytes, HeaderTaker]:
        """Return who takes the headers that trackers sign with; none without a hook."""
        kinds = [self._trackers[hook.kind] for hook in self._hooks.values()]
        names = {name.encode() for kind in kinds for name in kind.HEADERS}
        # What the edge itself goes by stays its own.
        return {name: forward for name in names if name not in HEADERS}

    def begin(self, request: Request) -> Refusal | None:
        """Have the body kept of a request without a key that is for a hook, if it is no larger.

        Returns:
            Why it is not received, None where it is: whether it is kept or not.
        """
        head = request.head
        length = head.announced
        if head.path not in self._hooks or length > BODY_BYTES_MAX or head.chunked:
            return None
        if length > self.room_bytes:
            return _FULL
        self.room_bytes -= length
        request.credential = _NOBODY
        return None

    def end(self, request: Request) -> None:
        """Have the room back that a message took, if it is one whose body was kept."""
        if request.credential is _NOBODY:
            request.credential = None
            self.room_bytes += request.head.announced

    def hear(self, request: Request) -> ControlRequest | ControlReply | Refusal:
        """Return what the steward is asked, or at once why nothing comes of it."""
        hook, body = self._hooks.get(request.head.path), request.body()
        if hook is None:
            name = request.head.path[len(PREFIX) :][:MARK_CHARS_MAX].decode("latin-1")
            return Refusal(errors.PATH_UNKNOWN, f"There is no [outcome_hooks.{name}] here.")
        if request.credential is None or len(body) > BODY_BYTES_MAX:
            message = f"A message may have {BODY_BYTES_MAX} bytes, and says before how many it has."
            return Refusal(errors.BODY_TOO_LARGE, message)
        headers = _headers(request)
        tracker = self._trackers[hook.kind]
        if not hook.secret or not tracker.is_signed(hook.secret, headers, body):
            return Refusal(errors.SIGNATURE_INVALID, errors.SIGNATURE_INVALID.sentence)
        return self._read(hook, headers, body)

    def _read(
        self, hook: OutcomeHook, headers: dict[str, str], body: bytes
    ) -> ControlRequest | ControlReply | Refusal:
        try:
            heard = self._trackers[hook.kind].read(headers, body, hook.naming)
        except msgspec.ValidationError as error:
            return Refusal(errors.BODY_INVALID, f"{error}.")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            message = f"The body is not valid JSON; have it sent as application/json: {error}."
            return Refusal(errors.BODY_MALFORMED, message)
        if isinstance(heard, Ignored):
            return ignored(heard.reason)
        if not heard.subjects:
            return ignored("It names no call, run or session.")
        if len(heard.subjects) > SUBJECTS_MAX:
            return ignored(f"It names more than {SUBJECTS_MAX} calls, runs and sessions.")
        # The signature covers the body, but not always what the message is called.
        marks = ["sha256:" + hashlib.sha256(body).hexdigest()]
        if heard.delivery:
            marks.append("id:" + heard.delivery[:MARK_CHARS_MAX])
        told = Tracked(
            tuple(marks),
            heard.subjects,
            heard.success,
            f"hook {hook.id}: {heard.note}"[:NOTE_CHARS_MAX],
            hook.task or heard.task,
            heard.human_seconds,
        )
        text = msgspec.json.encode(told).decode()
        whose = (hook.principal or "", hook.team or "")
        return ControlRequest("POST", OUTCOME_HOOKS, hook.id, whose[0], whose[1], "", body=text)


def ignored(reason: str) -> ControlReply:
    """Return the answer to a message that nothing comes of; its sender need not try again."""
    return ControlReply(202, msgspec.json.encode({"ignored": reason}).decode())


def _headers(request: Request) -> dict[str, str]:
    head = request.head
    found = {name.decode("latin-1"): value.decode("latin-1") for name, value in head.forwarded}
    if head.idempotency_key:
        # The edge has it in a place of its own.
        found["idempotency-key"] = head.idempotency_key.decode("latin-1")
    return found
