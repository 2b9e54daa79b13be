"""What the configuration says of budgets."""

from datetime import tzinfo
from typing import Literal, NamedTuple

from headgate.units.ids import CARVED

Period = Literal["day", "week", "month", "quarter", "year", "rolling", "once"]
OnTight = Literal["refuse", "shorten"]
Mode = Literal["hard", "shadow"]
Holds = Literal["strict", "expected"]

ORGANISATION = "organisation"
RUN_ANY = "run:*"
AND = " & "
"""Between the nodes of a budget that is about calls of all of them."""

STANDING = frozenset({ORGANISATION, "team", "principal", "key"})
"""Kinds of nodes that all calls of a key are below, whatever they are and wherever they go."""
PASSING = frozenset({"run", "agent"})
"""Kinds of nodes that anybody may name who makes calls."""
OF_ROUTES = frozenset({"model", "provider", "deployment"})
"""Kinds of nodes that a call is below by where an attempt of it goes."""

FOREVER_NS = 1 << 62


class RunLimits(NamedTuple):
    """Guards against runs that run away; None for no limit.

    Attributes:
        calls_max: Calls of one run.
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


class Calendar(NamedTuple):
    """When a budget's periods begin, and when it is in force.

    Attributes:
        zone: Where its days begin, None for the organisation's.
        first_month: Of a year, and so of its quarters: 1 for January.
        first_weekday: Of a week: 0 for Monday.
        hours: How far a rolling window looks back; 0 for budgets of another kind.
        starts_ns: Before it the budget limits nothing.
        ends_ns: From it on the budget limits nothing.
    """

    zone: tzinfo | None = None
    first_month: int = 1
    first_weekday: int = 0
    hours: int = 0
    starts_ns: int = 0
    ends_ns: int = FOREVER_NS


ALWAYS = Calendar()


class Budget(NamedTuple):
    """A limit on a node of the tree for a period.

    Attributes:
        id: Name of the budget.
        node: `organisation`, or `KIND:NAME`: a team, principal, key, agent, tag, model, provider
            or deployment; with `*` for a name, or the last of an agent's, each on its own, as in
            `run:*`. It is about calls below all of them where there are several, with ` & `
            between.
        period: The kind of its windows; see `budgets.periods`.
        limit_nanos: Hard limit; at no moment is posted + held above it.
        on_tight: What becomes of a call whose worst case does not fit: `refuse`, or `shorten`
            its output limit to what is affordable.
        alarm_within_hours: An alarm is raised when it will be used up within so many hours at
            its pace, and before it renews; 0 for never.
        calendar: When its periods begin, and when it is in force.
        mode: `shadow` refuses nothing: it tells what `hard` would have refused.
        carry_nanos_max: So much of what a period leaves unused is added to the next; 0: nothing.
        holds: What is held for a streamed call whose output can be counted as it comes: its
            worst case (`strict`), or what calls like it took, extended while it runs (`expected`).
        carved_from: The budget that its limit is set aside from, the one that this is carved from,
            and so on up; empty for a budget that sets nothing aside.
    """

    id: str
    node: str
    period: Period
    limit_nanos: int
    on_tight: OnTight = "refuse"
    alarm_within_hours: int = 24
    calendar: Calendar = ALWAYS
    mode: Mode = "hard"
    carry_nanos_max: int = 0
    holds: Holds = "strict"
    carved_from: tuple[str, ...] = ()

    @property
    def window_name(self) -> str:
        """What its windows are called, before what they are each of: carved elsewhere, anew."""
        return CARVED.join((self.id, *self.carved_from))

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes that its calls are below, all of them."""
        return tuple(self.node.split(AND))

    @property
    def passes(self) -> bool:
        """Whether its windows come and go: one of each run, or agent, whose names nobody bounds."""
        return any(_is_each(node) and kind_of(node) in PASSING for node in self.nodes)

    @property
    def stands(self) -> bool:
        """Whether it limits all calls of a key, or none: money can be carved from it."""
        return self.mode == "hard" and all(kind_of(node) in STANDING for node in self.nodes)


def kind_of(node: str) -> str:
    """Return what a node is: the word before its name."""
    return node.partition(":")[0]


def is_each(node: str) -> bool:
    """Tell whether each thing of a kind has windows of its own, as with `run:*`."""
    return any(_is_each(name) for name in node.split(AND))


def _is_each(node: str) -> bool:
    # A pattern of models has one window for all that it matches.
    return node.endswith("*") and kind_of(node) != "model"
