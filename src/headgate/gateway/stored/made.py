"""Responses that a provider keeps: who may go on from each, and where.

A call that goes on from a response (`previous_response_id`) can be served by the provider that
keeps it alone, and is nobody's business but of whom it was made for: at the provider all belong to
one account. A worker remembers what its own calls had made, and asks the steward for the rest. Of
what the books do not know the provider judges: it was made before them, or not by Headgate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from headgate.dialects.kept_responses import KEPT, SPOKEN, UNKNOWN
from headgate.gateway.refusals import LEDGER_GONE
from headgate.records.control import MAKER, RESPONSES, ControlReply, ControlRequest
from headgate.records.makers import Maker
from headgate.units import errors
from headgate.units.errors import Refusal

if TYPE_CHECKING:
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.pipeline import Pipeline
    from headgate.gateway.upstream.target import Target
    from headgate.identity.directory import Credential
    from headgate.records.report import Report

KNOWN_MAX: Final = 16_384
"""So many are known, the newest: 4 MB, 8 with the longest ids and a delegation each."""

NAME_CHARS_MAX: Final = 128
"""As of those that are asked for by their path (`dialects.kept_responses.NAME_PATTERN`)."""

WHOSE: Final = "whose"
"""The phase of a call for which the steward is asked whose response it goes on from."""

PARAM: Final = "previous_response_id"


class _Made(NamedTuple):
    maker: Maker
    provider: str | None


class Made:
    """Knows who had responses made, and which provider keeps them.

    Attributes:
        dialect: In which they are asked for, None where nobody speaks it.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._world = pipeline.world
        spoken = (each for each in self._world.dialects.values() if each.KIND == SPOKEN)
        self.dialect = next(spoken, None)
        self._known: dict[str, _Made | None] = {}

    def note(self, exchange: Exchange, report: Report) -> None:
        """Remember what a call has had made, if its provider may keep it."""
        name, credential = report.upstream_id, exchange.request.credential
        if name is None or credential is None or not _may_be_kept(name):
            return
        # What was made by translation has an id of our own.
        if exchange.spoken is self.dialect:
            deployment = exchange.target.deployment
            maker = Maker(credential.principal, _chain_of(credential), deployment.id)
            self._keep(name, _Made(maker, deployment.provider))

    def waits(self, exchange: Exchange, name: str) -> bool:
        """Ask whose a response is that nothing is known of; True while the call waits for that."""
        if name in self._known or not _may_be_kept(name):
            return False
        who = exchange.request.credential
        assert who is not None, exchange.call
        request = ControlRequest(MAKER, RESPONSES, name, who.principal, who.team, who.key)

        def answered(reply: ControlReply | None) -> None:
            self._answered(exchange, name, reply)

        exchange.enter(WHOSE)
        if not self._world.control.send(request, answered):
            answered(None)
        return True

    def _answered(self, exchange: Exchange, name: str, reply: ControlReply | None) -> None:
        if reply is not None:
            self._keep(name, None if reply.code else self._made(reply.body))
        if exchange.phase != WHOSE:
            return
        if reply is None:
            self._pipeline.endings.refuse(exchange, LEDGER_GONE)
        else:
            self._pipeline.go(exchange)

    def _made(self, told: str) -> _Made:
        maker = msgspec.json.decode(told, type=Maker)
        target = self._world.targets.get(maker.deployment)
        return _Made(maker, None if target is None else target.deployment.provider)

    def _keep(self, name: str, made: _Made | None) -> None:
        self._known[name] = made
        if len(self._known) > KNOWN_MAX:
            del self._known[next(iter(self._known))]

    def why_not(self, exchange: Exchange, target: Target) -> Refusal | None:
        """Tell why a call cannot go on at a target from the response it names; None if it may."""
        name, credential = exchange.own.after, exchange.request.credential
        made = None if name is None else self._known.get(name)
        if made is None or credential is None:
            return None
        if not made.maker.is_of(credential.principal, _chain_of(credential)):
            return Refusal(errors.RESPONSE_UNKNOWN, UNKNOWN.format(name=name), PARAM)
        if made.provider in (None, target.deployment.provider):
            return None
        message = f"{made.provider!r} keeps the response, to which this call cannot go."
        return Refusal(errors.RESPONSE_UNKNOWN, message, PARAM)


def _may_be_kept(name: str) -> bool:
    """Tell whether a name can be a kept response's: clients write it, so it is bounded."""
    return name.startswith(KEPT) and len(name) <= NAME_CHARS_MAX


def _chain_of(credential: Credential) -> tuple[str, ...]:
    return () if credential.delegation is None else credential.delegation.chain
