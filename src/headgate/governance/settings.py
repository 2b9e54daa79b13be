"""What the configuration requires of calls, and the classes of data they may carry."""

from typing import NamedTuple


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
