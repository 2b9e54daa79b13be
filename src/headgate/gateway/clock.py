"""A coarse monotonic clock, so that nobody asks the system for the time all the time."""


class Coarse:
    """Milliseconds, moved on by the sweep a few times a second.

    Attributes:
        coarse_ms: Coarse monotonic time.
    """

    __slots__ = ("coarse_ms",)

    def __init__(self) -> None:
        self.coarse_ms = 0
