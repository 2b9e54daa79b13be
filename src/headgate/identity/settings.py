"""What the configuration says of teams, principals and keys."""

from typing import Literal, NamedTuple

PrincipalKind = Literal["person", "agent", "service"]
ANY_MODEL = "*"


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
    """

    id: str
    principal: str
    models: tuple[str, ...] = (ANY_MODEL,)
    secret: str | None = None
    data_classes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Key(id={self.id!r}, principal={self.principal!r}, models={self.models!r})"
