"""What the configuration says of teams, principals and keys."""

from typing import Literal, NamedTuple

from headgate.records.priority import USUAL, Priority

PrincipalKind = Literal["person", "agent", "service"]
ANY_MODEL = "*"


class Team(NamedTuple):
    """A node of the budget tree, and what it may have of scarce places.

    Attributes:
        share: Its weight against other teams where calls wait for a deployment.
        priorities: The classes its calls may have; the first is that of a call that names none.
    """

    id: str
    share: int = 1
    priorities: tuple[Priority, ...] = USUAL


class Principal(NamedTuple):
    """Who answers for a call."""

    id: str
    team: str
    kind: PrincipalKind = "person"


class Key(NamedTuple):
    """A credential of the configuration.

    Attributes:
        secret: What the client sends, None when the key is made by `headgate keys create`.
        models: Aliases and deployments it may ask for; `*` for all.
        data_classes: The classes of data its calls may carry; none: any.
        priorities: As its team's, or some of them.
    """

    id: str
    principal: str
    models: tuple[str, ...] = (ANY_MODEL,)
    secret: str | None = None
    data_classes: tuple[str, ...] = ()
    priorities: tuple[Priority, ...] = USUAL

    def __repr__(self) -> str:
        return f"Key(id={self.id!r}, principal={self.principal!r}, models={self.models!r})"
