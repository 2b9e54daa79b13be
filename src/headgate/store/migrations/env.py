"""Alembic's entry: runs the migrations on the engine that `store.migrating` hands over."""

from alembic import context
from sqlalchemy import Engine

from headgate.store.dialect import hold_lock

engine: Engine = context.config.attributes["engine"]

with engine.connect() as connection:
    context.configure(connection=connection, render_as_batch=True)
    with context.begin_transaction():
        # Nodes that start at once: one migrates, the others find it done.
        hold_lock(connection, "migrations")
        context.run_migrations()
    connection.commit()
