"""Bugs of ours that are met at one of many: told once of each, and the others are gone on with."""

from __future__ import annotations

import asyncio
from collections.abc import Set
from types import TracebackType
from typing import Final

WAITED: Final = "a call that has waited too long"
CONNECTION: Final = "a connection of a client"


class Bugs:
    """Has a pass over many go on behind the one at which a bug of ours was met.

    Entered once for a pass, and once more for each bug, so that those without one cost nothing:

        while left:
            with bugs:
                while left:
                    bugs.at = each = left.pop()

    A bug is told as what a callback raises is: to the event loop, which logs it whole. For passes
    alone in which each is done with before the next: where many share what was being changed, what
    the bug has left of that is not known, and the worker had better end.

    Attributes:
        at: Whose turn it is: a call's id, or what the pass is over. None for who has one turn
            only, whose bug is told each time.
        name: What the pass is over, for the log, where that is no call.
    """

    __slots__ = ("_told", "at", "name")

    def __init__(self) -> None:
        self.at: object = None
        self.name = ""
        self._told: set[object] = set()

    def __enter__(self) -> None:
        """Begin a pass, or go on with it."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        """Tell the bug, unless one was told of the same before; what is no bug passes."""
        at, self.at = self.at, None
        if not isinstance(error, Exception):
            return False
        if at is None or at not in self._told:
            if at is not None:
                self._told.add(at)
            name = at if isinstance(at, str) else self.name
            about = {"message": f"the sweep met a bug at {name}", "exception": error}
            asyncio.get_running_loop().call_exception_handler(about)
        return True

    def __len__(self) -> int:
        """Return of how many a bug was told."""
        return len(self._told)

    def keep(self, there: Set[object]) -> None:
        """Forget of whom bugs were told, but for those that are still there."""
        self._told &= there
