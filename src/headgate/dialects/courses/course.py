"""The course of a conversation: what was said, answered, called and returned; pure.

Only a conversation's end is read in detail. Nothing of it is kept but hashes, whose key is the
node's.
"""

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec
from msgspec import Raw

from headgate.dialects.prompts.block import items

STEPS_MAX = 64
"""What lies further back is not looked at."""

Kind = Literal["said", "answered", "called", "returned"]

_FAILED = (b'"error', b'"traceback')
_EXIT_CODE = re.compile(rb'exit_code\\?":\s*-?[1-9]')
_BEGINNING = 64
_ITEMS = msgspec.json.Decoder(list[dict[str, Raw]])
_RAWS = msgspec.json.Decoder(list[Raw])


class Step(NamedTuple):
    """One step of a conversation.

    Attributes:
        kind: `said`: by the user. `answered`: by the model, without calling a tool. `called`: a
            tool by the model. `returned`: what a tool gave back.
        failed: Whether that was an error.
        digest: A hash of what was called, and with what.
        turn: Within which turn of the model it lies, from 1; 0 before the first.
    """

    kind: Kind
    failed: bool = False
    digest: int = 0
    turn: int = 0


class Course(NamedTuple):
    """How a conversation went.

    Attributes:
        steps: The last ones, in order.
        turns: How many turns the model has had.
        identity: What the client calls the conversation or its user, None when it does not say.
        first: A hash of how it begins, None when that is not in the request.
        after: The id of the reply it goes on from, where the provider holds what was before.
    """

    steps: tuple[Step, ...] = ()
    turns: int = 0
    identity: str | None = None
    first: int | None = None
    after: str | None = None


class Taken:
    """Collects the steps of a conversation, item by item."""

    __slots__ = ("_in_turn", "steps", "turns")

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self.turns = 0
        self._in_turn = False

    def model(self, calls: Sequence[int]) -> None:
        """The model had its say: it called tools, or it answered."""
        if not self._in_turn:
            self.turns += 1
            self._in_turn = True
        if calls:
            self.steps += (Step("called", False, call, self.turns) for call in calls)
        else:
            self.steps.append(Step("answered", False, 0, self.turns))

    def user(self, results: Sequence[bool]) -> None:
        """The user's side: results of tools, each with whether it is an error, or a word."""
        self._in_turn = False
        if results:
            self.steps += (Step("returned", failed, 0, self.turns) for failed in results)
        else:
            self.steps.append(Step("said", False, 0, self.turns))

    def skip(self, *, by_model: bool) -> None:
        """An item that lies too far back to be read: only turns are counted."""
        if by_model and not self._in_turn:
            self.turns += 1
        self._in_turn = by_model

    def course(self, identity: str | None, first: int | None, after: str | None = None) -> Course:
        """Return what was collected."""
        return Course(tuple(self.steps[-STEPS_MAX:]), self.turns, identity, first, after)


def digest(*parts: bytes) -> int:
    """Return a hash of what is called."""
    return hash(parts)


def looks_failed(content: bytes) -> bool:
    """Tell whether a result looks like an error, in dialects that do not mark errors.

    It begins with "error" or a traceback, or tells an exit code that is not 0.
    """
    head = content[:_BEGINNING].lower().removeprefix(b"[").lstrip()
    return head.startswith(_FAILED) or _EXIT_CODE.search(content) is not None


def word(value: Raw | None) -> bytes:
    """Return a member as it stands, `null` when it is absent."""
    return b"null" if value is None else bytes(value)


def listed(value: Raw | None) -> list[dict[str, Raw]]:
    """Return the objects of a list; none of anything else.

    Raises:
        msgspec.DecodeError: It is a list of something else.
    """
    text = word(value)
    return _ITEMS.decode(text) if text.startswith(b"[") else []


def first_of(value: Raw | None, inner: str, at: int = 0) -> int | None:
    """Return a hash of how a list begins, whatever of it is marked for a cache.

    Args:
        value: The list; None or anything else for none.
        inner: The member of its items that may be a text or a list of parts.
        at: Which item is the first that counts.
    """
    text = word(value)
    found = _RAWS.decode(text) if text.startswith(b"[") else []
    if len(found) <= at:
        return None
    alone = Raw(b"[%b]" % bytes(found[at]))
    return hash(tuple(block.parts for block in items({"": alone}, "", inner)))
