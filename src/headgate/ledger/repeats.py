"""Repeats: what becomes of a call whose idempotency key was used before; pure.

A key is *claimed* by a call, durably, before anything is held for it. What the call came to is
read from the books, so a claim outlives any process: whoever dies, its attempts have their ends.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple


class Ruling(StrEnum):
    """What a call with a key is told to do.

    Attributes:
        GO: Be executed: the key was free, and is this call's now.
        REPLAY: Give the reply that was kept.
        MISMATCH: Be refused: the key belongs to a call that asked for something else.
        RUNNING: Be refused for now: the call that has the key is not over.
        DONE: Be refused: the call was served, but its reply is not kept.
        UNKNOWN: Be refused: nobody knows what the call came to; a repeat may be paid for twice.
        FULL: Be refused: its owner has too many keys.
    """

    GO = "go"
    REPLAY = "replay"
    MISMATCH = "mismatch"
    RUNNING = "running"
    DONE = "done"
    UNKNOWN = "unknown"
    FULL = "full"


class Claimed(NamedTuple):
    """A key that was claimed.

    Attributes:
        fingerprint: Of what the call asked for.
        over: Whether its worker said that it is over, or that worker's journal has ended.
        whole: Whether its worker said that its client was given a whole reply.
        kept: Whether that reply is kept.
    """

    call: str
    fingerprint: str
    over: bool = False
    whole: bool = False
    kept: bool = False


class Tried(NamedTuple):
    """An attempt of a call, as the books have it.

    Attributes:
        state: `held`, `measured`, `estimated`, `unknown` or `void`.
        reason: Why it is not measured, or how it failed; None for a plain success.
    """

    state: str
    posted_nanos: int
    reason: str | None


def rule(
    claimed: Claimed | None, attempts: Sequence[Tried], fingerprint: str, *, again: bool
) -> Ruling:
    """Return what a call is to do whose key has been claimed, or has not.

    Args:
        claimed: By whom, None by nobody.
        attempts: Those of the claiming call, in order.
        fingerprint: Of what this call asks for.
        again: Whether it accepts that an outcome nobody knows may be paid for twice.
    """
    if claimed is None or (_is_over(claimed, attempts) and _came_to_nothing(claimed, attempts)):
        return Ruling.GO
    if claimed.fingerprint != fingerprint:
        return Ruling.MISMATCH
    if claimed.kept:
        return Ruling.REPLAY
    if not _is_over(claimed, attempts):
        return Ruling.RUNNING
    if claimed.whole or _was_served(attempts):
        return Ruling.DONE
    return Ruling.GO if again else Ruling.UNKNOWN


def _is_over(claimed: Claimed, attempts: Sequence[Tried]) -> bool:
    # One that was cut is over for its client before it is for the books.
    return claimed.over and all(each.state != "held" for each in attempts)


def _came_to_nothing(claimed: Claimed, attempts: Sequence[Tried]) -> bool:
    """Tell whether a call was certainly neither served nor billed."""
    return not claimed.whole and all(
        each.state == "void" or (each.state == "measured" and each.posted_nanos == 0)
        for each in attempts
    )


def _was_served(attempts: Sequence[Tried]) -> bool:
    """Tell whether a whole reply came, by the books alone: nobody was left to say so."""
    last = attempts[-1]
    return last.reason is None and last.state in ("measured", "unknown")
