"""What `--json` and `/v1/runs` print of runs."""

from headgate.insights.printed import Instant, Printed, Usd


class RunView(Printed, frozen=True, kw_only=True):
    """A run that was told of: `runs list --json` prints a list, `runs show` one and all below it.

    `parent` is null for one that nobody started, `budget` for one without a limit of its own.
    `spend`, `held` and `calls` are of the run alone, without those below it.
    """

    principal: str
    run: str
    parent: str | None
    agent: str
    depth: int
    state: str
    frozen: bool
    budget: Usd | None
    spend: Usd
    held: Usd
    calls: int
    created: Instant
    changed: Instant
