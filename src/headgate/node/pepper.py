"""The pepper that keys are hashed with, the same at all nodes that share a store.

The first node puts its own into the store, the others take it from there. So whoever has the
store's content has the pepper as well: keys have 256 random bits, which is what protects them.
"""

from pathlib import Path

from sqlalchemy import select

from headgate.identity.keys import keep_pepper, load_pepper
from headgate.ledger.node_tables import shared_value
from headgate.store.dialect import hold_lock, upsert
from headgate.store.migrate import open_server
from headgate.store.place import database_of

PEPPER = "pepper"


def share_pepper(data_dir: Path) -> None:
    """Make this node's pepper that of the others; where the store is its own, it keeps its own.

    Raises:
        StoreError: The store cannot be opened.
    """
    url = database_of(data_dir)
    if url is None:
        return
    engine = open_server(url)
    try:
        with engine.begin() as connection:
            hold_lock(connection, PEPPER)
            own = upsert(shared_value).values(name=PEPPER, value=load_pepper(data_dir).hex())
            connection.execute(own.on_conflict_do_nothing())
            of_all = select(shared_value.c.value).where(shared_value.c.name == PEPPER)
            pepper = bytes.fromhex(connection.execute(of_all).scalar_one())
    finally:
        engine.dispose()
    if pepper != load_pepper(data_dir):
        keep_pepper(data_dir, pepper)
