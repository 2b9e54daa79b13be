"""Sending what happened: followers that read on from where they were, and are patient.

Each has a place in every journal, kept in the store after what lies before it was taken. So all is
sent at least once, over restarts too, and what comes twice has the same ids. All but keeping the
place is done in a thread: the steward, which lends and folds meanwhile, is not held up by it.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from headgate.config.snapshot import Snapshot
from headgate.exports.following import Found, find_next, keep_place, kept_places
from headgate.exports.reading import known_of
from headgate.exports.sending import EventSender, OtelSender, Parcel, Sender
from headgate.insights.webhooks import Message
from headgate.node.history import write_always
from headgate.node.telling import PAUSE_MAX_S, PAUSE_S, UnheardError, post

LOOK_S = 1.0

Send = Callable[[str, Message], None]
Make = Callable[[Found, int], Iterator[Parcel]]


def exporters(
    engine: Engine, reading: Engine, root: Path, snapshot: Snapshot
) -> Iterator[Coroutine[Any, Any, None]]:
    """Yield what sends and writes what happened, as configured; none of it ends by itself.

    Args:
        engine: The store, opened for writing.
        reading: The store, opened for reading.
        root: The folder of journals.
        snapshot: The configuration in force.
    """
    for sender in senders(snapshot):
        yield follow_always(engine, reading, root, sender)
    if snapshot.exports.history is not None:
        yield write_always(reading, snapshot.exports.history)


def senders(snapshot: Snapshot) -> Iterator[Sender]:
    """Yield whoever is sent something."""
    exports = snapshot.exports
    if exports.otel is not None:
        known = known_of(snapshot.deployments.values(), snapshot.providers)
        yield OtelSender(exports.otel, snapshot.organisation, known, time.time_ns())
    for target in exports.events.values():
        yield EventSender(target, snapshot.organisation)


async def follow_always(engine: Engine, reading: Engine, root: Path, sender: Sender) -> None:
    """Send for ever; who does not take it is asked less and less often."""
    follower = Follower(engine, reading, root, sender)
    pause_s = PAUSE_S
    while True:
        try:
            more = await follower.go_on(post)
        except UnheardError:
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, PAUSE_MAX_S)
        else:
            pause_s = PAUSE_S
            await asyncio.sleep(0 if more else LOOK_S)


class Follower:
    """Reads on for a sender from where it was.

    Args:
        engine: The store, opened for writing.
        reading: The store, opened for reading.
        root: The folder of journals.
        sender: Whom it is for.
    """

    def __init__(self, engine: Engine, reading: Engine, root: Path, sender: Sender) -> None:
        self._engine = engine
        self._reading = reading
        self._root = root
        self._sender = sender
        with engine.begin() as connection:
            self._places = kept_places(connection, sender.follower)

    async def go_on(self, send: Send) -> bool:
        """Send what comes next, about a mebibyte of a journal; tell whether there was anything.

        Raises:
            UnheardError: It was not taken; the same comes again next time.
        """
        found = await asyncio.to_thread(self._next)
        if found is None:
            return False
        step = found.step
        await self._send_all(self._sender.parcels, found, send)
        with self._engine.begin() as connection:
            keep_place(connection, self._sender.follower, step.journal, step.place)
        self._places[step.journal] = step.place
        await self._send_all(self._sender.after, found, send)
        return True

    async def _send_all(self, make: Make, found: Found, send: Send) -> None:
        for url, message in await asyncio.to_thread(lambda: list(make(found, time.time_ns()))):
            await asyncio.to_thread(send, url, message)

    def _next(self) -> Found | None:
        with self._reading.connect() as connection:
            return find_next(connection, self._root, self._places)
