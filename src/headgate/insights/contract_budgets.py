"""What `headgate budgets --json` prints."""

from headgate.budgets.settings import Mode
from headgate.insights.printed import Instant, Printed, Usd


class BudgetView(Printed, frozen=True, kw_only=True):
    """A window of a budget: `budgets --json` prints a list of them.

    free = limit - posted - held - unaccounted - carved; lent is the part of free that workers
    have, carved what delegations have of their own, delegated what they spent of that.
    `frozen`: its node, or one above it, may not
    spend now. `exhausted_at`: when nothing will be left at its pace, null when it renews before.
    `carried` is the part of the limit that the period before left unused. With `mode` `shadow` it
    refuses nothing: `would_refuse` counts the attempts that did not fit, and sums what they held.
    `lacking` is what of the limit could not be carved from the budget above.
    """

    id: str
    node: str
    period: str
    renews_at: Instant | None
    limit: Usd
    raised: Usd
    posted: Usd
    held: Usd
    lent: Usd
    unaccounted: Usd
    carved: Usd
    delegated: Usd
    free: Usd
    frozen: bool
    spent_last_hour: Usd
    exhausted_at: Instant | None
    carried: Usd
    mode: Mode
    would_refuse: int
    would_refuse_amount: Usd
    lacking: Usd


class OwnBudgetView(Printed, frozen=True, kw_only=True):
    """A window that the calls of whoever asks are held on: `GET /v1/budgets` tells a list of them.

    `shared`: somebody else spends it, too. Then only limit and free are told, as a refusal tells
    them, and the sums between them are null; else free = limit - posted - held - unaccounted -
    carved. With `mode` `shadow` it refuses nothing. `frozen`: its node, or one above it, may not
    spend now.
    """

    id: str
    node: str
    period: str
    renews_at: Instant | None
    limit: Usd
    posted: Usd | None
    held: Usd | None
    unaccounted: Usd | None
    carved: Usd | None
    free: Usd
    mode: Mode
    shared: bool
    frozen: bool
