"""What `statement --json` prints, as types."""

from headgate.insights.printed import Instant, Printed, Usd


class ChargedView(Printed, frozen=True, kw_only=True):
    """What was charged for one meter of one model.

    The quantity of the meters `estimated` and `reported` is in nano-dollars.
    """

    model: str
    meter: str
    quantity: int
    amount: Usd


class SpenderView(Printed, frozen=True, kw_only=True):
    """What a principal of the team was charged."""

    principal: str
    calls: int
    amount: Usd


class CorrectionView(Printed, frozen=True, kw_only=True):
    """A correction that was made in the month."""

    id: str
    at: Instant
    call: str | None
    reason: str
    source: str
    amount: Usd


class RefusedView(Printed, frozen=True, kw_only=True):
    """How often calls were refused for a reason."""

    code: str
    calls: int


class LimitView(Printed, frozen=True, kw_only=True):
    """A budget of the team: its limit as configured now, and what is posted on its window."""

    budget: str
    period: str
    limit: Usd
    posted: Usd


class StatementView(Printed, frozen=True, kw_only=True):
    """A team's statement of a month: closing = opening + charged + corrected, total the last two.

    `since` and `until` are the month's bounds; `running` attempts had not ended and are not in it.
    """

    organisation: str
    team: str
    month: str
    since: Instant
    until: Instant
    opening: Usd
    charged: Usd
    estimated: Usd
    corrected: Usd
    total: Usd
    closing: Usd
    charges: list[ChargedView]
    principals: list[SpenderView]
    corrections: list[CorrectionView]
    refused: list[RefusedView]
    budgets: list[LimitView]
    running: int
