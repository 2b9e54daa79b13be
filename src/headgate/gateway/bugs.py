"""Bugs of ours that are met at one of many: told once of each, and the others are gone on with."""

from __future__ import annotations

import asyncio
from collections.abc import Set
from types import TracebackType
from typing import Final

WAITED: Final = "a call that has waited too long"
CONNECTION: Final = "a connection of a client"


class Bugs:
    """Keeps a bug of ours at one of many from the others: `with bugs.at(whose): ...` for each.

    A bug is told as what a callback raises is: to the event loop, which logs it whole. For passes
    alone in which each is done with before the next: where many share what was being changed, what
    the bug has left of that is not known, and the worker had better end.
    """

    __slots__ = ("_at", "_name", "_told")

    def __init__(self) -> None:
        self._at: object = None
        self._name = ""
        self._told: set[object] = set()

    def at(self, whose: object, name: str = "") -> Bugs:
        """Say whose turn it is.

        Args:
            whose: A call's id, or what else the pass is over. None for who has one turn only,
                whose bug is told each time.
            name: What the pass is over, for the log, where that is no call.
        """
        self._at, self._name = whose, name
        return self

    def __enter__(self) -> None:
        """Begin its turn."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        """Tell the bug, unless one was told of the same before; what is no bug passes."""
        if not isinstance(error, Exception):
            return False
        whose = self._at
        if whose is None or whose not in self._told:
            if whose is not None:
                self._told.add(whose)
            about = {"message": f"the sweep met a bug at {self._name or whose}", "exception": error}
            asyncio.get_running_loop().call_exception_handler(about)
        return True

    def keep(self, there: Set[object]) -> None:
        """Forget of whom bugs were told, but for those that are still there."""
        self._told &= there

    def __len__(self) -> int:
        """Return of how many a bug was told."""
        return len(self._told)
