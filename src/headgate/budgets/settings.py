"""What the configuration says of budgets."""

from typing import Literal, NamedTuple

Period = Literal["month", "once"]
OnTight = Literal["refuse", "shorten"]
Holds = Literal["strict", "expected"]

ORGANISATION = "organisation"
RUN_ANY = "run:*"


class RunLimits(NamedTuple):
    """Guards against runs that run away; None for no limit.

    Attributes:
        calls_max: Calls of one run, as one worker counts them.
        depth_max: Generations of runs that are told of: 1 for runs without children.
        spend_per_minute_nanos_max: What a run may cost within a minute.
        repeats_max: How often in a row a run may send the very same body.
    """

    calls_max: int | None = None
    depth_max: int = 8
    spend_per_minute_nanos_max: int | None = None
    repeats_max: int | None = None

    @property
    def counted(self) -> bool:
        """Whether a worker has anything to count."""
        return any(each is not None for each in (self[0], self[2], self[3]))


class Budget(NamedTuple):
    """A limit on a node of the tree for a period.

    Attributes:
        id: Name of the budget.
        node: `organisation`, `team:ID`, `principal:ID`, or `run:*` for each run on its own.
        period: `month` (calendar month in the organisation's zone) or `once`.
        limit_nanos: Hard limit; at no moment is posted + held above it.
        on_tight: What becomes of a call whose worst case does not fit: `refuse`, or `shorten`
            its output limit to what is affordable.
        alarm_within_hours: An alarm is raised when it will be used up within so many hours at
            its pace, and before it renews; 0 for never.
        holds: What is held for a streamed call whose output can be counted as it comes: its
            worst case (`strict`), or what calls like it took, extended while it runs (`expected`).
    """

    id: str
    node: str
    period: Period
    limit_nanos: int
    on_tight: OnTight = "refuse"
    alarm_within_hours: int = 24
    holds: Holds = "strict"
