"""What the configuration says of exports that the node sends or writes by itself."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

USAGE = "headgate_usage"
"""What receivers that know events by a name call ours, unless the configuration says otherwise."""


class Otel(NamedTuple):
    """Where spans and metrics go.

    Attributes:
        endpoint: Base address of a receiver of OTLP over HTTP.
        headers: Names and values that are sent along.
        traces: Whether spans are sent.
        metrics: Whether metrics are.
    """

    endpoint: str
    headers: tuple[tuple[str, str], ...] = ()
    service_name: str = "headgate"
    traces: bool = True
    metrics: bool = True

    def __repr__(self) -> str:
        return f"Otel(endpoint={self.endpoint!r}, service_name={self.service_name!r})"


class Target(NamedTuple):
    """Who is sent events of what was used.

    Attributes:
        url: Where they are posted to.
        format: A file of `exports/events/`.
        secret: What they are signed with as webhooks are, None: not at all.
        token: What is shown as a bearer, None: nothing.
        event_name: What the receiver calls such events.
        customers: Who the receiver thinks a team is; one that is not named is itself.
    """

    id: str
    url: str
    format: str
    secret: str | None = None
    token: str | None = None
    event_name: str = USAGE
    customers: Mapping[str, str] = MappingProxyType({})

    def __repr__(self) -> str:
        return f"Target(id={self.id!r}, url={self.url!r}, format={self.format!r})"


class Exports(NamedTuple):
    """All of it.

    Attributes:
        otel: None: nothing is sent.
        history: The folder of the daily Parquet files, None: none are written.
    """

    otel: Otel | None = None
    events: Mapping[str, Target] = MappingProxyType({})
    history: Path | None = None

    @property
    def is_traced(self) -> bool:
        """Whether spans are sent to anybody."""
        return self.otel is not None and self.otel.traces


NO_EXPORTS = Exports()
