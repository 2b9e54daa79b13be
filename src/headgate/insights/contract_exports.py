"""What exporting commands print with `--json`, as types."""

from headgate.insights.printed import Instant, Printed, Usd


class ExportedView(Printed, frozen=True, kw_only=True):
    """A file that was written.

    `amount` is what its rows add up to, `running` how many attempts of its stretch had not ended
    and so are not in it.
    """

    file: str
    rows: int
    amount: Usd
    running: int


class HistoryView(Printed, frozen=True, kw_only=True):
    """Files of the history that were written, one for each day."""

    files: list[str]
    running: int


class BackupView(Printed, frozen=True, kw_only=True):
    """A copy of a data directory: `backup --json`.

    `at` is when it was begun, `running` how many attempts had not ended in it, `other_nodes` how
    many share the store whose journals are not in it.
    """

    directory: str
    at: Instant
    files: int
    bytes: int
    running: int
    other_nodes: int


class RestoreView(Printed, frozen=True, kw_only=True):
    """A copy that was put back into PostgreSQL: `restore --json`.

    `journals` is how many came back, `joined` whether the store was there already and the node
    came back to it.
    """

    directory: str
    journals: int
    joined: bool
