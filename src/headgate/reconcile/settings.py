"""What the configuration says of reconciling."""

from typing import NamedTuple

DAYS_MAX = 60


class Source(NamedTuple):
    """Where reports of one provider come from.

    Attributes:
        provider: Id of a configured provider, whose attempts are compared.
        folder: Where reports lie that somebody fetches; "" when Headgate fetches them.
        admin: The kind of interface that reports are fetched from; "" with a folder.
        credential: What it is asked with.
        base_url: Where it is: its maker's own address, or a loopback one for a simulator.
    """

    provider: str
    folder: str = ""
    admin: str = ""
    credential: str = ""
    base_url: str = ""

    def __repr__(self) -> str:
        return f"Source(provider={self.provider!r}, folder={self.folder!r}, admin={self.admin!r})"


class Reconcile(NamedTuple):
    """When and how it is done.

    Attributes:
        sources: By the provider's id; nothing is reconciled by itself when empty.
        minute: Minute of the day, in the organisation's zone, from which on it is done.
        days: So many days back are compared.
        apply: Whether estimated attempts are corrected by what is found.
        alert_nanos: A provider's drift above which the audit chain tells of it.
        settle_hours: How long after its end a day may still change in reports.
    """

    sources: dict[str, Source]
    minute: int = 5 * 60
    days: int = 3
    apply: bool = False
    alert_nanos: int = 1_000_000_000
    settle_hours: int = 24
