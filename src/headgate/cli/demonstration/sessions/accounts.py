"""One session over two accounts at a provider: as warm as over one, and free to leave."""

from headgate.cli.demonstration.sessions.books import kept, opened, switches
from headgate.cli.demonstration.sessions.organisation import ACCOUNTS, ALONE
from headgate.cli.demonstration.sessions.result import Promise, Switch
from headgate.cli.demonstration.sessions.stage import Stage
from headgate.cli.demonstration.sessions.steering import break_down, repair
from headgate.cli.demonstration.sessions.tasks import tasks_of

TASKS = 5
SHARE_MIN = 0.95
ADMIN_OF = {"opus": "first", "opus-2": "second"}


def accounts(stage: Stage) -> tuple[list[Promise], list[Switch]]:
    """Work through the same tasks at one account, and over two; then throttle the one that served.

    Raises:
        DemonstrationError: A session is not in the books.
    """
    tasks = tasks_of(stage.seed, TASKS)
    one, two = stage.agent("one", ALONE), stage.agent("two", ACCOUNTS)
    alone = kept(opened(stage.data_dir, one.work(tasks).turns))
    both = kept(opened(stage.data_dir, two.work(tasks).turns))
    turns = len(two.turns)
    served = two.turns[-1].deployment
    throttled = stage.admins[ADMIN_OF[served]]
    break_down(throttled, "rate_limit", retry_after_s=30)
    two.work(tasks[:1])
    repair(throttled)
    moved = {turn.deployment for turn in two.turns[turns:]}
    calls = opened(stage.data_dir, two.turns)
    share = both.cached_share / alone.cached_share
    return [
        Promise(
            promise="A session over two accounts reads from the cache what it reads over one.",
            holds=share >= SHARE_MIN,
            figures={
                "turns": turns,
                "cached over one": round(alone.cached_share, 4),
                "cached over two": round(both.cached_share, 4),
                "of that over one": round(share, 4),
            },
        ),
        Promise(
            promise="It leaves an account that is throttled, and no turn fails.",
            holds=served not in moved,
            figures={"served by": served, "then by": ", ".join(sorted(moved))},
        ),
    ], switches("two", two.turns, calls)
