"""What the configuration says of budgets."""

from typing import Literal, NamedTuple

Period = Literal["month", "once"]
OnTight = Literal["refuse", "shorten"]

ORGANISATION = "organisation"
RUN_ANY = "run:*"


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
    """

    id: str
    node: str
    period: Period
    limit_nanos: int
    on_tight: OnTight = "refuse"
    alarm_within_hours: int = 24
