"""A worker's slices: what it may still hold against each window, in memory, pure.

A hold touches every window on the call's path, all or nothing; a settlement posts what was
used and frees the rest. All comparisons are of integers, so the last nano-dollar is granted
exactly once.
"""


class Slice:
    """What this worker was lent of one window, and what it did with it.

    Attributes:
        window: Key of the window.
        granted_nanos: Lent so far, cumulative, less what was given back.
        base_nanos: What the steward had lent to this journal before this slice began; -1 while
            nothing was lent.
        posted_nanos: Settled so far by this worker.
        held_nanos: In open holds now.
        spent_recently_nanos: Settled since the last refill decision; how much to ask for next.
        touched: Whether it was held on since then.
    """

    __slots__ = (
        "base_nanos",
        "budget",
        "granted_nanos",
        "held_nanos",
        "posted_nanos",
        "spent_recently_nanos",
        "touched",
        "window",
    )

    def __init__(self, window: str, budget: str) -> None:
        self.window = window
        self.budget = budget
        self.granted_nanos = 0
        self.base_nanos = -1
        self.posted_nanos = 0
        self.held_nanos = 0
        self.spent_recently_nanos = 0
        self.touched = False

    @property
    def idle_nanos(self) -> int:
        """What can be held now; negative after an overage that no grant has covered yet."""
        return self.granted_nanos - self.posted_nanos - self.held_nanos


Slices = tuple[Slice, ...]
"""Those of a call, from the run up to the root; a tuple, which compiled loops go through fast."""


def hold(path: Slices, amount_nanos: int) -> Slice | None:
    """Set an amount aside on every window of a path, or on none.

    Returns:
        None when it is held; else the first slice, from the run upwards, that is too small.
    """
    assert amount_nanos >= 0
    for piece in path:
        if piece.granted_nanos - piece.posted_nanos - piece.held_nanos < amount_nanos:
            return piece
    for piece in path:
        piece.held_nanos += amount_nanos
    return None


def settle(path: Slices, held_nanos: int, posted_nanos: int) -> None:
    """End a hold: post what it cost (which may exceed the hold) and free the rest."""
    assert posted_nanos >= 0
    for piece in path:
        piece.held_nanos -= held_nanos
        piece.posted_nanos += posted_nanos
        piece.spent_recently_nanos += posted_nanos
        assert piece.held_nanos >= 0, piece.window


def void(path: Slices, held_nanos: int) -> None:
    """End a hold of which certainly nothing reached a provider: all is free again."""
    for piece in path:
        piece.held_nanos -= held_nanos
        assert piece.held_nanos >= 0, piece.window
