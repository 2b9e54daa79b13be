"""What the configuration says of teams, principals and keys."""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from headgate.identity.tags import UNTAGGED, TagRule
from headgate.records.priority import USUAL, Priority

PrincipalKind = Literal["person", "agent", "service"]
ANY_MODEL = "*"


class PerMinute(NamedTuple):
    """What may be taken a minute, and a minute's worth at once; None where nothing limits it."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None


UNLIMITED = PerMinute()


def limited_nodes(key: str, principal: str, teams: Sequence[str]) -> tuple[str, ...]:
    """Return the nodes whose rates a call counts on; `teams` is the caller's with those above."""
    return (f"key:{key}", f"principal:{principal}", *(f"team:{team}" for team in teams))


class Team(NamedTuple):
    """A node of the budget tree, and what it may have of scarce places.

    Attributes:
        share: Its weight against other teams where calls wait for a deployment.
        priorities: The classes its calls may have; the first is that of a call that names none.
        parent: The team above it, None when the organisation is.
        per_minute: What its calls and those of the teams below it may take together.
    """

    id: str
    share: int = 1
    priorities: tuple[Priority, ...] = USUAL
    parent: str | None = None
    per_minute: PerMinute = UNLIMITED


def lineage_of(team: str, teams: Mapping[str, Team]) -> tuple[str, ...]:
    """Return a team and the teams above it in order; one that is not known has none above."""
    found: list[str] = []
    above: str | None = team
    # Bounded by what was met: a wrong file may have a circle, and is read to its end all the same.
    while above is not None and above not in found:
        found.append(above)
        known = teams.get(above)
        above = None if known is None else known.parent
    return tuple(found)


class Principal(NamedTuple):
    """Who answers for a call; `per_minute` is what all its keys may take together."""

    id: str
    team: str
    kind: PrincipalKind = "person"
    per_minute: PerMinute = UNLIMITED


class Key(NamedTuple):
    """A credential of the configuration.

    Attributes:
        secret: What the client sends, None when the key is made by `headgate keys create`.
        models: Aliases and deployments it may ask for; `*` for all.
        data_classes: The classes of data its calls may carry; none: any.
        priorities: As its team's, or some of them.
        tags: What its calls are tagged with, and may be.
        until_ns: When it ends, None for never.
        per_minute: What its calls and those of its delegations may take together.
    """

    id: str
    principal: str
    models: tuple[str, ...] = (ANY_MODEL,)
    secret: str | None = None
    data_classes: tuple[str, ...] = ()
    priorities: tuple[Priority, ...] = USUAL
    tags: TagRule = UNTAGGED
    until_ns: int | None = None
    per_minute: PerMinute = UNLIMITED

    def __repr__(self) -> str:
        return f"Key(id={self.id!r}, principal={self.principal!r}, models={self.models!r})"
