"""The rows that messages about money, places, deployments and keys are made of."""

from msgspec import Struct


class NeedRow(Struct, frozen=True, array_like=True):
    """What a call waits for; see `ledger.line.Need`."""

    id: int
    windows: tuple[str, ...]
    amount_nanos: int
    shorten: bool


class OutcomeRow(Struct, frozen=True, array_like=True):
    """What became of a need; see `ledger.line.Outcome`."""

    need: int
    window: str | None
    left_nanos: int
    contended: bool


class GrantRow(Struct, frozen=True, array_like=True):
    """What was lent of a window, cumulative, and what it was before."""

    total_nanos: int
    before_nanos: int


class WantedRow(Struct, frozen=True, array_like=True):
    """Places at a deployment: so many are used or waited for, so many are given back."""

    deployment: str
    wanted: int
    returned: int


class UnwellRow(Struct, frozen=True):
    """A deployment that is passed over.

    Attributes:
        rule: `breaker_open` or `throttled`.
        until_ns: When it may be asked again.
    """

    deployment: str
    rule: str
    until_ns: int


class QueuedRow(Struct, frozen=True):
    """What a team has of a deployment at which calls wait.

    Attributes:
        share: Its weight.
        running: Places it holds.
        waiting: Its calls that wait.
    """

    deployment: str
    priority: str
    team: str
    share: int
    running: int
    waiting: int


class CredentialRow(Struct, frozen=True):
    """A key that is known by its digest; `root` verifies its delegations (both hexadecimal).

    `until_ns` is when it was made to end, None for never; its configuration may end it before.
    """

    key: str
    principal: str
    models: tuple[str, ...]
    digest: str
    root: str | None = None
    until_ns: int | None = None


class AllotmentRow(Struct, frozen=True):
    """An allotment; see `ledger.allotments` for its fields."""

    window: str
    amount_nanos: int
    parents: tuple[str, ...]
    key: str
    chain: tuple[str, ...]
    node: str
    until_ns: int | None
