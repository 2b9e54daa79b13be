"""Listening to what other nodes say through PostgreSQL."""

import asyncio
from collections.abc import Callable
from typing import Any

AGAIN_S = 1.0
LISTEN = "LISTEN headgate"
"""To what `store_fleet.CHANNEL` names."""


async def listen_always(driver: Any, address: str, heard: Callable[[str], None]) -> None:
    """Tell of whatever other nodes notify, with who did; never ends.

    Args:
        driver: The database's, an extra: the module psycopg.
        address: Of the database, as libpq takes it.
        heard: Called with the id of a node.
    """
    while True:
        try:
            async with await driver.AsyncConnection.connect(address, autocommit=True) as connection:
                await connection.execute(LISTEN)
                async for notice in connection.notifies():
                    heard(notice.payload)
        except driver.OperationalError:
            # Looking now and then goes on; it ends the steward when the store is gone.
            await asyncio.sleep(AGAIN_S)
