"""What exporting commands print with `--json`, as types."""

from headgate.insights.printed import Printed, Usd


class ExportedView(Printed, frozen=True, kw_only=True):
    """A file that was written.

    `amount` is what its rows add up to, `running` how many attempts of its stretch had not ended
    and so are not in it.
    """

    file: str
    rows: int
    amount: Usd
    running: int
