"""The paths of responses that a provider keeps: passed on to the deployment that made them.

Whose a response is the books say, whoever knows its id: at the provider all belong to one account.
Nothing is generated, so nothing is held and nothing is posted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headgate.dial.fetch import Answer as Fetched
from headgate.dial.fetch import FetchError, Outgoing, fetch
from headgate.dialects import kept_responses
from headgate.dialects.kept_responses import SPOKEN, UNKNOWN, Asked
from headgate.gateway.asides import JSON, Answer, Asides, send
from headgate.gateway.batching.desk import Desk
from headgate.gateway.refusals import stranger
from headgate.units import errors
from headgate.units.errors import Refusal

if TYPE_CHECKING:
    from headgate.dialects.registry import Dialect
    from headgate.gateway.client.edge import ClientConnection
    from headgate.gateway.client.request import Head, Request
    from headgate.gateway.pipeline import Pipeline
    from headgate.gateway.upstream.target import Target

AT_ONCE_MAX: Final = 64
"""So many are asked about at once; each has a connection of its own."""
TIMEOUT_S: Final = 60.0
ANSWER_BYTES_MAX: Final = 32 << 20
NOT_FOUND: Final = 404


class StoredRoutes:
    """Answers for the paths of responses that a provider keeps.

    Args:
        pipeline: The worker's.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._asides = Asides()

    def takes(self, request: Request) -> bool:
        """Tell whether a request is about such a response."""
        if not request.head.path.startswith(kept_responses.PREFIX.encode()):
            return False
        return self._pipeline.world.dialect_of(request) is None and _read(request.head) is not None

    def answer(self, client: ClientConnection, request: Request) -> None:
        """Answer a request that is."""
        self._asides.begin(client, self._serve(client, request))

    async def _serve(self, client: ClientConnection, request: Request) -> None:
        send(client, request, self._spoken(), await self._answer(request))

    def _spoken(self) -> Dialect:
        dialects = self._pipeline.world.dialects.values()
        return next(each for each in dialects if each.KIND == SPOKEN)

    async def _answer(self, request: Request) -> Answer | Refusal:
        world, credential = self._pipeline.world, request.credential
        if credential is None:
            return stranger(world.directory, request.head.key)
        asked = _read(request.head)
        assert asked is not None, "it was taken"
        if isinstance(asked, Refusal):
            return asked
        if len(self._asides) > AT_ONCE_MAX:
            message = f"{AT_ONCE_MAX} responses are being asked for already."
            return Refusal(errors.OVERLOADED, message, None, 1)
        made_by = await Desk(world.control, credential).response(asked.name)
        if isinstance(made_by, Refusal):
            return made_by
        target = world.targets.get(made_by)
        if target is None or SPOKEN not in target.envelopes:
            message = f"{made_by!r}, which made this response, is no deployment any more."
            return Refusal(errors.RESPONSE_UNKNOWN, message)
        return await _ask(target, asked)


def _read(head: Head) -> Asked | Refusal | None:
    path, query = head.path.decode("latin-1"), head.query.decode("latin-1")
    return kept_responses.read(head.method.decode("latin-1"), path, query)


async def _ask(target: Target, asked: Asked) -> Answer | Refusal:
    """Ask the provider of a deployment, and pass on what it says."""
    name = target.deployment.provider
    place = target.kept_at(SPOKEN, f"/{asked.name}{asked.below}", asked.query)
    if place is None:
        message = f"{name} cannot be asked about what it keeps."
        return Refusal(errors.FEATURE_UNSUPPORTED, message)
    url, pairs = place
    headers = {key.decode(): value.decode("latin-1") for key, value in pairs}
    outgoing = Outgoing(asked.method, url, headers, answer_bytes_max=ANSWER_BYTES_MAX)
    try:
        answer = await fetch(target.pool.dialer, outgoing, TIMEOUT_S)
    except FetchError as error:
        message = f"The provider {name} does not answer: {error}."
        return Refusal(errors.UPSTREAM_UNREACHABLE, message, None, 1)
    return _passed_on(target, asked, answer)


def _passed_on(target: Target, asked: Asked, answer: Fetched) -> Answer | Refusal:
    """Return a provider's answer; its errors as those of calls, where they are not the client's."""
    served_by = ((b"x-headgate-deployment", target.deployment.id.encode()),)
    if answer.status < 300:
        return Answer(answer.body, JSON, served_by, answer.status)
    if answer.status == NOT_FOUND:
        return Refusal(errors.RESPONSE_UNKNOWN, UNKNOWN.format(name=asked.name))
    failure = target.failure(answer.status, answer.body)
    if failure.pass_through:
        code = ((b"x-headgate-code", failure.code.code.encode()),)
        return Answer(answer.body, JSON, served_by + code, answer.status)
    message = f"{target.deployment.provider}: {failure.code.sentence}"
    when = None if failure.code is errors.UPSTREAM_CREDENTIAL else 1
    return Refusal(failure.code, message, None, when)
