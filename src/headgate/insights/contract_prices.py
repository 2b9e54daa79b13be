"""What `--json` prints of changes of prices, of charges restated and of what was promised."""

from headgate.insights.printed import Instant, Printed, Usd


class ImpactSumsView(Printed, frozen=True, kw_only=True):
    """Calls by the prices as they are and as changed; `unrated` ones one of the two does not price.

    `posted` is what the rated ones were posted at, `difference` is after - before, signed.
    """

    calls: int
    unrated: int
    posted: Usd
    before: Usd
    after: Usd
    difference: Usd


class ImpactRowView(ImpactSumsView, frozen=True, kw_only=True):
    """Those of one model and team; of imported logs the team is the seat."""

    model: str
    team: str


class ImpactView(Printed, frozen=True, kw_only=True):
    """What a change would have cost from `since` until `until`, the largest difference first."""

    since: Instant
    until: Instant
    total: ImpactSumsView
    by: list[ImpactRowView]


class RestatedView(Printed, frozen=True, kw_only=True):
    """An attempt that costs something else now: `was` and `rows` are price rows."""

    attempt: str
    model: str
    team: str
    posted: Usd
    restated: Usd
    difference: Usd
    was: list[str]
    rows: list[str]


class RestateView(Printed, frozen=True, kw_only=True):
    """What differs of `attempts`; `made` is null when nothing was to be changed."""

    attempts: int
    left_as_they_are: int
    difference: Usd
    entries: list[RestatedView]
    made: int | None
    refused: list[str]


class CommitmentView(Printed, frozen=True, kw_only=True):
    """A period of a commitment; `shortfall` is owed, and nothing before the period's end."""

    id: str
    provider: str
    start: Instant
    end: Instant
    amount: Usd
    drawn: Usd
    left: Usd
    shortfall: Usd
    beyond: Usd


class ShareView(Printed, frozen=True, kw_only=True):
    """A team's part of what capacity cost."""

    team: str
    tokens: int
    cost: Usd


class CapacityView(Printed, frozen=True, kw_only=True):
    """What capacity cost this month, and who used it."""

    id: str
    cost: Usd
    teams: list[ShareView]


class CommitmentsView(Printed, frozen=True, kw_only=True):
    """`prices commitments`."""

    commitments: list[CommitmentView]
    capacities: list[CapacityView]
