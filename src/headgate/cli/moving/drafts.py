"""What will be written: the tables of headgate.toml that come of another gateway's file."""

from decimal import Decimal
from typing import NamedTuple

from headgate.budgets.settings import Period


class Provider(NamedTuple):
    """`[providers.ID]`.

    Attributes:
        named: What stood before the slash in the names of its models.
        variable: Holds its credential, None when it has none, or one by `command`.
        literal: Whether the credential stood in the file, and has to be put into that variable.
        plain_http: Whether it is reached without TLS beyond this machine.
        own: A machine of one's own: what nothing prices costs nothing.
    """

    id: str
    named: str
    kind: str
    base_url: str
    variable: str | None = None
    literal: bool = False
    command: tuple[str, ...] = ()
    api_version: str | None = None
    plain_http: bool = False
    own: bool = False


class Deployment(NamedTuple):
    """`[deployments.ID]`, and what its route has to know of it.

    Attributes:
        group: The name that clients ask for.
        catalog: `seller/model` whose prices and facts hold, None for its own.
        weight: Its share of the calls, None for an even one; `rpm` and `tpm`, calls and tokens a
            minute, stand for it where nobody has one.
        order: Its place among those of the group, None for any.
    """

    id: str
    group: str
    provider: str
    model: str
    catalog: str | None = None
    context_tokens: int | None = None
    output_tokens_max: int | None = None
    output_tokens_default: int | None = None
    concurrency_max: int | None = None
    region: str | None = None
    weight: Decimal | None = None
    rpm: Decimal | None = None
    tpm: Decimal | None = None
    order: Decimal | None = None


class Price(NamedTuple):
    """`[[prices]]`: dollars per million tokens, by meter."""

    provider: str
    model: str
    per_million: dict[str, Decimal]


class Route(NamedTuple):
    """`[routes.ALIAS]`.

    Attributes:
        weights: By deployment; empty for even ones.
        mixed: Whether candidates to which calls are translated stand among the others.
        refuses: Whether a call is not served where something of it would be lost.
        note: What a reader should know, None for nothing.
    """

    alias: str
    deployments: tuple[str, ...]
    policy: str | None
    weights: dict[str, int]
    mixed: bool
    refuses: bool
    note: str | None = None


class Budget(NamedTuple):
    """`[budgets.ID]`; `hours` is how far a rolling one looks back."""

    id: str
    node: str
    limit_usd: str
    period: Period
    hours: int | None = None


class Caller(NamedTuple):
    """Who calls at first: a principal of a team, and its key.

    Attributes:
        variable: Holds the secret of the key; None where one is made.
        literal: Whether the secret stood in the file, and has to be put into that variable.
        tags_allowed: What its calls may be tagged with.
    """

    team: str
    person: str
    variable: str | None
    literal: bool
    tags_allowed: tuple[str, ...] = ()


class Draft(NamedTuple):
    """All of it."""

    timezone: str
    providers: tuple[Provider, ...]
    deployments: tuple[Deployment, ...]
    prices: tuple[Price, ...]
    routes: tuple[Route, ...]
    teams: tuple[str, ...]
    caller: Caller
    budgets: tuple[Budget, ...]
