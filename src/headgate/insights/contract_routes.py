"""What `routes --json` prints: aliases, who may serve them, and who waits."""

from headgate.insights.printed import Instant, Printed


class RouteCandidateView(Printed, frozen=True, kw_only=True):
    """A deployment of a route; `rule` is what it is passed over by now, `until` for how long.

    `violates`: what it violates of what is required of the key's calls, null when nothing, or when
    no key was given.
    """

    deployment: str
    provider: str
    model: str
    region: str | None
    weight: int
    rule: str | None
    until: Instant | None
    violates: str | None


class QueueView(Printed, frozen=True, kw_only=True):
    """What a team has of a deployment at which calls wait: places it holds, calls that wait.

    `share` is its weight against the other teams of the class.
    """

    deployment: str
    priority: str
    team: str
    share: int
    running: int
    waiting: int


class RouteView(Printed, frozen=True, kw_only=True):
    """An alias: `routes --json` prints a list; `running` tells whether a node knows its health.

    `drops` tells whether a translated call may leave out what its target lacks. `queues` is empty
    while nobody waits for a place.
    """

    alias: str
    policy: str
    regions: list[str]
    drops: bool
    running: bool
    candidates: list[RouteCandidateView]
    queues: list[QueueView]
