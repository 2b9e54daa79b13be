"""Grants: what a delegation permits, and the rule that a child's never permits more; pure."""

from typing import NamedTuple

from headgate.units import errors
from headgate.units.errors import Refusal
from headgate.units.instants import to_iso
from headgate.units.money import format_usd

DEPTH_MAX = 8
"""So many generations may stand below a key; a key itself is a grant of this depth."""


class Grant(NamedTuple):
    """What holds for a call, after everything above has been taken into account.

    Attributes:
        models: Aliases and deployments it may ask for, None for all.
        tools: Names of the tools a call may offer, None for all.
        until_ns: When it ends, None for never.
        money_nanos: The nearest allotment, its own or one above; None when none was given.
        depth: How many more generations may stand below it.
    """

    models: frozenset[str] | None = None
    tools: frozenset[str] | None = None
    until_ns: int | None = None
    money_nanos: int | None = None
    depth: int = DEPTH_MAX

    def covers(self, other: "Grant") -> bool:
        """Tell whether whatever `other` permits, this permits."""
        return (
            _within(other.models, self.models)
            and _within(other.tools, self.tools)
            and _at_most(other.until_ns, self.until_ns)
            and _at_most(other.money_nanos, self.money_nanos)
            and other.depth <= self.depth
        )


class Asked(NamedTuple):
    """What one block of a token says; None leaves a side as it is above.

    Attributes:
        agent: What the child is called.
        money_nanos: An allotment of its own.
    """

    agent: str
    models: frozenset[str] | None = None
    tools: frozenset[str] | None = None
    until_ns: int | None = None
    money_nanos: int | None = None
    depth: int | None = None


class Link(NamedTuple):
    """One generation of a chain.

    Attributes:
        id: Names this delegation among all: the beginning of its Biscuit revocation id, 32
            hexadecimal digits.
        grant: What it permits, everything above taken into account.
    """

    id: str
    asked: Asked
    grant: Grant


class Delegation(NamedTuple):
    """A chain that was found valid, from the key's own child down to who calls."""

    links: tuple[Link, ...]

    @property
    def grant(self) -> Grant:
        """What the last of the chain may do."""
        return self.links[-1].grant

    @property
    def ids(self) -> tuple[str, ...]:
        """The delegations of the chain by their ids: revoking any of them ends this one."""
        return tuple(link.id for link in self.links)

    @property
    def chain(self) -> tuple[str, ...]:
        """The generations as records name them, `<agent>~<id>`."""
        return tuple(f"{link.asked.agent}~{link.id}" for link in self.links)

    @property
    def names(self) -> tuple[str, ...]:
        """What the generations are called."""
        return tuple(link.asked.agent for link in self.links)


def narrow(above: Grant, asked: Asked) -> Grant | Refusal:
    """Return what a child may do, or why it may not be: it asks for more than its parent has.

    Nothing is narrowed in silence: who asks for more is told so.
    """
    if above.depth < 1:
        return Refusal(
            errors.DELEGATION_TOO_DEEP, f"No further generation may stand where {asked.agent!r} is."
        )
    depth = above.depth - 1 if asked.depth is None else asked.depth
    wanted = Grant(
        models=above.models if asked.models is None else asked.models,
        tools=above.tools if asked.tools is None else asked.tools,
        until_ns=above.until_ns if asked.until_ns is None else asked.until_ns,
        money_nanos=above.money_nanos if asked.money_nanos is None else asked.money_nanos,
        depth=depth,
    )
    more = _more(above._replace(depth=above.depth - 1), wanted)
    if more is not None:
        return Refusal(
            errors.DELEGATION_WIDENED, f"{asked.agent!r} asks for more than its parent has: {more}."
        )
    return wanted


def _more(above: Grant, wanted: Grant) -> str | None:
    """Say what `wanted` has that `above` has not, None when there is nothing."""
    if not _within(wanted.models, above.models):
        return "models " + _extra(wanted.models, above.models)
    if not _within(wanted.tools, above.tools):
        return "tools " + _extra(wanted.tools, above.tools)
    if wanted.until_ns is not None and not _at_most(wanted.until_ns, above.until_ns):
        return f"a life until {to_iso(wanted.until_ns)}"
    if wanted.money_nanos is not None and not _at_most(wanted.money_nanos, above.money_nanos):
        return f"${format_usd(wanted.money_nanos)}"
    if wanted.depth > above.depth:
        return f"{wanted.depth} further generations"
    return None


def _within(inner: frozenset[str] | None, outer: frozenset[str] | None) -> bool:
    return outer is None or (inner is not None and inner <= outer)


def _at_most(inner: int | None, outer: int | None) -> bool:
    return outer is None or (inner is not None and inner <= outer)


def _extra(inner: frozenset[str] | None, outer: frozenset[str] | None) -> str:
    assert inner is not None
    return ", ".join(sorted(inner - (outer or frozenset()))[:5])
