"""What `--json` prints of corrections and of reconciling."""

from headgate.insights.printed import Instant, Printed, Usd


class AdjustmentView(Printed, frozen=True, kw_only=True):
    """A correction of an attempt; `amount` is signed."""

    id: str
    at: Instant
    attempt: str | None
    amount: Usd
    reason: str
    source: str
    by: str
