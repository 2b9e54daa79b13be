"""Listening to what other nodes say through PostgreSQL.

Imported where nodes share a store: the driver is an extra.
"""

import asyncio
from collections.abc import Callable

import psycopg
from psycopg import sql

from headgate.ledger.store_fleet import CHANNEL

AGAIN_S = 1.0


async def listen_always(address: str, heard: Callable[[str], None]) -> None:
    """Tell of whatever other nodes notify, with who did; never ends.

    Args:
        address: Of the database, as libpq takes it.
        heard: Called with the id of a node.
    """
    command = sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL))
    while True:
        try:
            async with await psycopg.AsyncConnection.connect(
                address, autocommit=True
            ) as connection:
                await connection.execute(command)
                async for notice in connection.notifies():
                    heard(notice.payload)
        except psycopg.OperationalError:
            # Looking now and then goes on; it ends the steward when the store is gone.
            await asyncio.sleep(AGAIN_S)
