"""The policies that lie in this folder, found by their `KIND`, and what each one must offer."""

from collections.abc import Sequence
from typing import Protocol, cast

from headgate.dialects.registry import discover
from headgate.routing import policies as folder
from headgate.routing.candidate import Plan, Quoted


class Policy(Protocol):
    """What every module of a policy offers.

    Attributes:
        KIND: Its name in configurations and decisions.
    """

    KIND: str

    def rank(self, candidates: Sequence[Quoted], /) -> tuple[Quoted, ...]:
        """Return all candidates in the order they are to be tried; the same for the same."""

    def plan(self, ranked: Sequence[Quoted], /) -> Plan:
        """Yield attempts from a ranking, none twice, until an outcome is final."""


def policies() -> dict[str, Policy]:
    """Return every policy by its kind."""
    return {kind: cast(Policy, part) for kind, part in discover(folder).items()}
