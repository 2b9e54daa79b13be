"""The policies that lie in this folder, found by their `KIND`, and what each one must offer."""

from collections.abc import Callable, Sequence
from typing import Protocol, cast

from headgate.dialects.registry import discover
from headgate.routing import policies as folder
from headgate.routing.candidate import Plan, Quoted


class Policy(Protocol):
    """What every module of a policy offers.

    One that gives each call an order of its own has `spread(ranked, turn)` too; see `spread_of`.

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


Spread = Callable[[Sequence[Quoted], int], tuple[Quoted, ...]]


def spread_of(policy: Policy) -> Spread | None:
    """Return what orders a ranking for the call of a turn, None where all calls share the order."""
    spread: Spread | None = getattr(policy, "spread", None)
    return spread
