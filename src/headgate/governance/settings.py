"""What the configuration requires of calls, the classes of their data, and who is asked."""

from typing import NamedTuple

EXPIRES_MINUTES_DEFAULT = 60


class Requirement(NamedTuple):
    """What a deployment has to satisfy to serve certain calls; it can only narrow.

    Attributes:
        nodes: Whose calls it holds for: `organisation`, `team:ID`, `principal:ID`, `key:ID`.
        data_classes: The classes of data it holds for; none: whatever they carry.
        residency: Where the deployment has to lie: one of these; none: anywhere.
        regions: In which region it has to be: one of these; none: any.
        retention_days_max: For how long it may keep what it is sent; None: it does not matter.
        training: Whether it may train on it.
        certifications: All that it has to be certified for at the time of the call.
        providers: Only these, none for all.
        providers_denied: Never these.
    """

    id: str
    nodes: tuple[str, ...] = ()
    data_classes: tuple[str, ...] = ()
    residency: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    retention_days_max: int | None = None
    training: bool = True
    certifications: tuple[str, ...] = ()
    providers: tuple[str, ...] = ()
    providers_denied: tuple[str, ...] = ()


class DataClass(NamedTuple):
    """A class of data that calls can say they carry.

    Attributes:
        note: What belongs to it, for people.
        default: Whether calls that name no class carry it.
    """

    id: str
    note: str = ""
    default: bool = False


class Rule(NamedTuple):
    """Which calls below a node wait for a person, and for whom.

    A call falls under a rule when every condition that the rule has is met; a rule without any
    asks about each call below its node.

    Attributes:
        id: Name of the rule.
        node: `organisation`, `team:ID` or `principal:ID`.
        approvers: Principals, any one of whom decides.
        over_nanos: The hold must be above it; None for no such condition.
        data_classes: The call must carry one of them; None for no such condition.
        models: What the client asks for must be one of them; None for no such condition.
        expires_minutes: After so long nobody can decide any more.
        show_prompt: Whether approvers see the beginning of the body.
        budget_raises: Whether the rule is about raises of limits at or below its node, not calls;
            `over_nanos` is then about the raise.
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
