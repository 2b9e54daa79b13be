"""What the console is given: a store to read, the configuration, a clock, and who may look."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from sqlalchemy import Engine

from headgate.config.snapshot import Snapshot
from headgate.console.visits import Visits
from headgate.console.workbench import Workbench
from headgate.exports.scraping import Scrape
from headgate.insights.routes import Queued, Unwell


@dataclass(frozen=True, slots=True)
class ConsoleWorld:
    """Everything the console touches.

    Attributes:
        engine: The store, opened for reading.
        snapshot: The configuration in force; another one makes another console.
        unwell: Returns the deployments that a worker passes over now.
        queued: Returns who waits for a place now.
        now_ns: Returns the instant it is.
        hosts: The `Host` headers it answers to, with port, such as `127.0.0.1:8081`. Any other
            is refused: a foreign name that resolves to this machine may not read it.
        token: What a browser must show once; None serves this machine only.
        visits: What is remembered of who showed it, or something else.
        gateway_url: Where calls go, and decisions about them; shown on an empty page.
        form_secret: What forms are marked with, so that no other page can make one.
        scrape: Counts for `/metrics`; None where nobody does.
        workbench: Computes the reports of the desk; None where nobody does.
    """

    engine: Engine
    snapshot: Snapshot
    unwell: Callable[[], Unwell]
    queued: Callable[[], Sequence[Queued]]
    now_ns: Callable[[], int]
    hosts: frozenset[str]
    token: str | None = field(repr=False)
    visits: Visits
    gateway_url: str = "http://127.0.0.1:8080"
    form_secret: bytes = field(default=b"", repr=False)
    scrape: Scrape | None = None
    workbench: Workbench | None = None

    def __post_init__(self) -> None:
        if not self.hosts:
            raise ValueError("the console needs at least one host name to answer to")
        if self.token == "":
            raise ValueError("the console's token may not be empty; None means none is asked for")

    @property
    def first_name(self) -> str:
        """A name that a first call may ask for: the first route's, else the first deployment's."""
        return next(iter((*self.snapshot.routes, *self.snapshot.deployments)), "MODEL")


def is_loopback(address: str) -> bool:
    """Tell whether a peer's address is this machine's own."""
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
