"""Telling webhooks: follows the audit chain and posts each entry to whoever wants it, in order."""

import asyncio
import http.client
import time
from collections.abc import Callable
from urllib.parse import urlsplit

from sqlalchemy import Engine

from headgate.dial.line import line_to
from headgate.insights.settings import Webhook
from headgate.insights.webhooks import Message, due, message_of, note_told
from headgate.units.instants import NANOS_PER_SECOND

LOOK_S = 0.5
PAUSE_S, PAUSE_MAX_S = 1.0, 300.0
TIMEOUT_S = 10.0
ANSWER_BYTES_MAX = 65_536


class UnheardError(Exception):
    """A webhook did not take a message; it is sent again later."""


async def tell_always(engine: Engine, hook: Webhook) -> None:
    """Tell a webhook, for ever; one that does not answer is asked less and less often."""
    pause_s = PAUSE_S
    while True:
        try:
            await tell(engine, hook, post, time.time_ns)
        except UnheardError:
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, PAUSE_MAX_S)
        else:
            pause_s = PAUSE_S
            await asyncio.sleep(LOOK_S)


async def tell(
    engine: Engine,
    hook: Webhook,
    send: Callable[[str, Message], None],
    now_ns: Callable[[], int],
) -> None:
    """Tell a webhook what it has not been told; how far it got is kept.

    Raises:
        UnheardError: It did not take a message; those before it are not sent again.
    """
    with engine.begin() as connection:
        entries = due(connection, hook, now_ns())
    for entry in entries:
        if hook.wants(entry.action):
            message = message_of(hook, entry, now_ns() // NANOS_PER_SECOND)
            await asyncio.to_thread(send, hook.url, message)
        with engine.begin() as connection:
            note_told(connection, hook.id, entry.seq)


def post(url: str, message: Message) -> None:
    """Post a message; any status of 200 to 299 means that it was taken. No redirect is followed.

    Raises:
        UnheardError: It was not.
    """
    line = line_to(url, TIMEOUT_S)
    try:
        line.request("POST", urlsplit(url).path or "/", message.body, message.headers)
        answer = line.getresponse()
        answer.read(ANSWER_BYTES_MAX)
    except (OSError, http.client.HTTPException) as error:
        raise UnheardError(str(error)) from error
    finally:
        line.close()
    if not 200 <= answer.status < 300:
        raise UnheardError(f"{url} answered with status {answer.status}")
