"""Joining the nodes that share a store: an id of one's own, and the pepper that all have.

Keys are hashed with the pepper. The first node puts its own into the store, the others take it from
there. So whoever has the store's content has the pepper as well: keys have 256 random bits, which
is what protects them.
"""

import secrets
from pathlib import Path

from sqlalchemy import select

from headgate.identity.keys import keep_pepper, load_pepper
from headgate.ledger.node_tables import shared_value
from headgate.store.dialect import hold_lock, upsert
from headgate.store.migrate import open_server
from headgate.store.place import database_of, name_node, node_id

PEPPER = "pepper"


def join(data_dir: Path) -> None:
    """Give this node its id, and the pepper of the others; one whose store is its own has neither.

    Raises:
        StoreError: The store cannot be opened.
    """
    url = database_of(data_dir)
    if url is None:
        return
    if not node_id(data_dir):
        name_node(data_dir, f"n{secrets.token_hex(5)}")
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
