"""Asks the steward on behalf of a client that is known: about batches, files, kept responses."""

import asyncio

import msgspec

from headgate.identity.directory import Credential
from headgate.records.control import (
    BATCHES,
    FILES,
    RESPONSES,
    Control,
    ControlReply,
    ControlRequest,
)
from headgate.units import errors
from headgate.units.errors import Refusal

_CODES = {code.code: code for code in errors.CODES}
_AGAIN_S = {errors.IDEMPOTENCY_RUNNING.code: 1}
"""After how many seconds a refusal is worth asking again."""
STEWARD_GONE = Refusal(errors.LEDGER_UNAVAILABLE, "The ledger is being restarted.", None, 2)


class Desk:
    """Asks for one client.

    Args:
        control: The way to the steward.
        credential: Who asks.
    """

    def __init__(self, control: Control, credential: Credential) -> None:
        self._control = control
        self.credential = credential

    async def batches(self, method: str, name: str, body: str = "") -> str | Refusal:
        """Ask about batches; returns JSON."""
        return await self._ask(BATCHES, method, name, body)

    async def files(self, method: str, name: str, body: str = "") -> str | Refusal:
        """Ask about files; returns JSON."""
        return await self._ask(FILES, method, name, body)

    async def response(self, name: str) -> str | Refusal:
        """Ask which deployment made a response that a provider keeps; returns its id."""
        delegation = self.credential.delegation
        chain = () if delegation is None else delegation.chain
        return await self._ask(RESPONSES, "GET", name, msgspec.json.encode(chain).decode())

    async def _ask(self, resource: str, method: str, name: str, body: str) -> str | Refusal:
        told: asyncio.Future[ControlReply | None] = asyncio.get_running_loop().create_future()

        def answered(reply: ControlReply | None) -> None:
            if not told.done():
                told.set_result(reply)

        who = self.credential
        request = ControlRequest(
            method=method,
            resource=resource,
            name=name,
            principal=who.principal,
            team=who.team,
            key=who.key,
            delegated=who.delegation is not None,
            body=body,
        )
        if not self._control.send(request, answered):
            return STEWARD_GONE
        reply = await told
        if reply is None:
            return STEWARD_GONE
        if reply.code is None:
            return reply.body
        return Refusal(_CODES[reply.code], reply.body, None, _AGAIN_S.get(reply.code))
