"""What the configuration says of hooks that trackers tell outcomes by."""

from typing import NamedTuple

from headgate.trackers.naming import Naming


class OutcomeHook(NamedTuple):
    """Where a tracker tells how work ended, and whose work it can tell of.

    Attributes:
        kind: Of tracker: a file in `kinds/`.
        secret: What its messages are signed with, or show; empty where it was not read.
        principal: Whose calls, runs and sessions it can tell of; None where a team is named.
        team: Likewise all of a team's, and of those below it; None where a principal is named.
        task: What kind of work it tells of, None for what each message says, if it does.
    """

    id: str
    kind: str
    secret: str
    principal: str | None
    team: str | None
    naming: Naming
    task: str | None = None

    def __repr__(self) -> str:
        return f"OutcomeHook(id={self.id!r}, kind={self.kind!r}, {self.scope!r})"

    @property
    def scope(self) -> str:
        """Whose they are, as a node: `team:research`."""
        return f"team:{self.team}" if self.principal is None else f"principal:{self.principal}"
