"""`[budgets.ID]` and `[runs]` as types."""

from collections.abc import Mapping
from typing import Annotated, Literal, get_args

from msgspec import Meta

from headgate.budgets.settings import Budget, Holds, Mode, OnTight, Period, RunLimits
from headgate.config.shape import Count, CountOrNone, Day, Hours, Shape, Text

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
NODE_KINDS = (
    *("run", "agent", "tag", "key", "principal", "team"),
    *("model", "provider", "deployment"),
)
"""What a budget can be on beside the organisation, from a run up, then where calls go."""

_ALARM_WITHIN_HOURS: int = Budget._field_defaults["alarm_within_hours"]
_DEPTH_MAX = RunLimits().depth_max


class BudgetShape(Shape, frozen=True, kw_only=True):
    """`[budgets.ID]`: a limit on a node for a period, in dollars (text, exact).

    Attributes:
        node: One node; None where `on` names several.
        on: Names by kind of node: it is about calls below all of them.
        zone: Where its days begin; None for the organisation's.
        hours: How far a rolling one looks back, None for others.
        starts: The first day it is in force, None for any; `ends`: the first it is not any more.
        carry_over_usd_max: None for the limit itself, once.
        carved_from: The budget above that the limit is set aside from, None for none.
    """

    limit_usd: Text | CountOrNone
    node: Text | None = None
    on: Mapping[str, Text] = {}
    period: Period = "month"
    zone: Text | None = None
    hours: Annotated[int, Meta(ge=1, le=8_784)] | None = None
    starts: Day | None = None
    ends: Day | None = None
    mode: Mode = "hard"
    carry_over: bool = False
    carry_over_usd_max: Text | CountOrNone | None = None
    carved_from: Text | None = None
    on_tight: OnTight = "refuse"
    alarm_within_hours: Hours = _ALARM_WITHIN_HOURS
    holds: Holds = "strict"


class RunsShape(Shape, frozen=True, kw_only=True):
    """`[runs]`: guards against runs that run away."""

    calls_max: Count | None = None
    depth_max: Count = _DEPTH_MAX
    spend_usd_per_minute_max: Text | CountOrNone | None = None
    repeats_max: Count | None = None
