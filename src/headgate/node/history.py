"""Writing the history: each day's file soon after the day, by the steward, in a thread."""

import asyncio
import logging
import time
from pathlib import Path

from sqlalchemy import Engine

from headgate.exports.history import next_due, write_day

LOOK_S = 60.0

_log = logging.getLogger(__name__)


async def write_always(reading: Engine, directory: Path) -> None:
    """Write each day that is due, for ever; a folder that cannot be written is tried again."""
    while True:
        try:
            more = await asyncio.to_thread(write_next, reading, directory, time.time_ns())
        except OSError as error:
            _log.warning("history: %s cannot be written: %s", directory, error)
            more = False
        if not more:
            await asyncio.sleep(LOOK_S)


def write_next(reading: Engine, directory: Path, now_ns: int) -> bool:
    """Write the first day that is due; tell whether there was one.

    Raises:
        OSError: It cannot be written.
    """
    with reading.connect() as connection:
        day = next_due(connection, directory, now_ns)
        if day is not None:
            write_day(connection, directory, day)
    return day is not None
