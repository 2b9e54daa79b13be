"""What the configuration says of approvals."""

from typing import NamedTuple

EXPIRES_MINUTES_DEFAULT = 60


class Rule(NamedTuple):
    """Which calls below a node wait for a person, and for whom.

    A call falls under a rule when every condition that the rule has is met; a rule without any
    asks about each call below its node.

    Attributes:
        id: Name of the rule.
        node: `organisation`, `team:ID` or `principal:ID`.
        approvers: Principals, any one of whom decides.
        over_nanos: The hold must be above it; None for no such condition.
        data_classes: The call must carry one of them, in lower case; None for no such condition.
        models: What the client asks for must be one of them; None for no such condition.
        expires_minutes: After so long nobody can decide any more.
        show_prompt: Whether approvers see the beginning of the body.
        budget_raises: Whether the rule is about raises of the limits below its node, not calls.
    """

    id: str
    node: str
    approvers: tuple[str, ...]
    over_nanos: int | None = None
    data_classes: frozenset[str] | None = None
    models: frozenset[str] | None = None
    expires_minutes: int = EXPIRES_MINUTES_DEFAULT
    show_prompt: bool = False
    budget_raises: bool = False
