"""A policy as an option: its name or its file, and what names it in a report's hash."""

from typing import Annotated

import msgspec
import typer

from headgate.routing.deciding import policy_record
from headgate.routing.policies.registry import Chosen

_POLICY = typer.Option(
    metavar="NAME|FILE",
    help='Of the configuration, a kind, or a TOML file: policy = "ID", and [policies.ID].',
)
PolicyName = Annotated[str, _POLICY]
PolicyAsked = Annotated[str | None, _POLICY]


def told_of(policy: Chosen) -> str:
    """Return a policy with all its settings as text, the same for the same policy."""
    record = policy_record(policy)
    return policy.policy.KIND if record is None else msgspec.json.encode(record).decode()
