"""Responses that this worker's calls had made and a provider keeps: who may go on from each, where.

A call that goes on from a response (`previous_response_id`) can be served by the provider that
keeps it alone, and is nobody's business but of whom it was made for: at the provider all belong to
one account. What another worker had made, or this one before it was started anew, is not known
here: then the provider judges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from headgate.dialects.kept_responses import KEPT, SPOKEN, UNKNOWN
from headgate.units import errors
from headgate.units.errors import Refusal

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.upstream.target import Target
    from headgate.gateway.world import World
    from headgate.identity.directory import Credential
    from headgate.records.report import Report

KNOWN_MAX: Final = 16_384
"""So many are known, the newest: some 6 MB."""


class _Made(NamedTuple):
    provider: str
    principal: str
    chain: tuple[str, ...]


class Made:
    """Knows who had responses made, and by which provider.

    Attributes:
        dialect: In which they are asked for, None where nobody speaks it.
    """

    def __init__(self, world: World) -> None:
        spoken = (each for each in world.dialects.values() if each.KIND == SPOKEN)
        self.dialect = next(spoken, None)
        self._known: dict[str, _Made] = {}

    def note(self, exchange: Exchange, report: Report) -> None:
        """Remember what a call has had made, if its provider may keep it."""
        name, credential = report.upstream_id, exchange.request.credential
        if name is None or credential is None or not name.startswith(KEPT):
            return
        if exchange.spoken is not self.dialect:
            # Made by translation: the id is our own.
            return
        if len(self._known) >= KNOWN_MAX:
            del self._known[next(iter(self._known))]
        provider = exchange.target.deployment.provider
        self._known[name] = _Made(provider, credential.principal, _chain_of(credential))

    def why_not(self, exchange: Exchange, target: Target) -> Refusal | None:
        """Tell why a call cannot go on at a target from the response it names; None if it may."""
        name, credential = exchange.own.after, exchange.request.credential
        made = None if name is None else self._known.get(name)
        if made is None or credential is None:
            return None
        chain = _chain_of(credential)
        if made.principal != credential.principal or made.chain[: len(chain)] != chain:
            return Refusal(errors.RESPONSE_UNKNOWN, UNKNOWN.format(name=name), PARAM)
        if made.provider == target.deployment.provider:
            return None
        message = f"{made.provider!r} keeps the response, to which this call cannot go."
        return Refusal(errors.RESPONSE_UNKNOWN, message, PARAM)


PARAM: Final = "previous_response_id"


def _chain_of(credential: Credential) -> tuple[str, ...]:
    return () if credential.delegation is None else credential.delegation.chain
