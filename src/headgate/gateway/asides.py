"""Requests that are no calls and take a while: each is a task, and no call waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from headgate.gateway.client.http_bytes import bodiless, whole
from headgate.gateway.refusals import headers_of
from headgate.units.errors import Refusal

if TYPE_CHECKING:
    from headgate.dialects.registry import Dialect
    from headgate.gateway.client.edge import ClientConnection
    from headgate.gateway.client.request import Request

JSON: Final = b"application/json"


class Answer(NamedTuple):
    """What is answered: a body, its type, headers beside the usual ones, and the status."""

    body: bytes
    kind: bytes
    headers: tuple[tuple[bytes, bytes], ...] = ()
    status: int = 200


class Asides:
    """The tasks that answer such requests."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        """Return how many there are now."""
        return len(self._tasks)

    def begin(self, client: ClientConnection, answering: Coroutine[Any, Any, None]) -> None:
        """Begin to answer a client."""
        task = asyncio.get_running_loop().create_task(answering)
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, client))

    def _ended(self, client: ClientConnection, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            # A bug of ours: its client is not left waiting for an answer that never comes.
            client.close()
            about = {"message": "a request beside the calls was not answered", "exception": error}
            asyncio.get_running_loop().call_exception_handler(about)


def send(
    client: ClientConnection, request: Request, spoken: Dialect, answer: Answer | Refusal
) -> None:
    """Send an answer, or a refusal as a dialect words it, to a client that may have gone."""
    if client.transport is None:
        return
    if isinstance(answer, Refusal):
        body, headers = spoken.render_refusal(answer, None), headers_of(answer)
        status, kind = answer.code.status, JSON
    else:
        body, kind, told, status = answer
        headers = [*told]
    keep = request.head.keep_alive
    lines = client.clock.date_line + request.head.lines
    answered = whole(status, body, lines, headers, content_type=kind, close=not keep)
    client.write(bodiless(answered) if request.head.bodiless else answered)
    client.done(keep_alive=keep)
