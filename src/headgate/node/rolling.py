"""Rolling up the hours that are over, while the steward runs."""

import asyncio
import secrets
import time

from sqlalchemy import Engine

from headgate.insights.rollups import HOURS_AT_ONCE, roll_up

ROLL_S = 60


async def roll_up_always(writing: Engine, reading: Engine) -> None:
    """Roll up hour after hour, beside all else; does not end by itself.

    After an upgrade, or a long time without a steward, there are many at once.

    Raises:
        SQLAlchemyError: The store could not be written or read.
    """
    me = secrets.token_hex(8)
    while True:
        begun = await asyncio.to_thread(roll_up, writing, reading, time.time_ns(), me)
        await asyncio.sleep(0 if begun == HOURS_AT_ONCE else ROLL_S)
