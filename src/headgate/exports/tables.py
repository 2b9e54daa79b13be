"""The table of exports: how far whoever is sent what happened has been sent it."""

from sqlalchemy import BigInteger, Column, Integer, String, Table

from headgate.store.schema import METADATA

followed = Table(
    "followed",
    METADATA,
    Column("follower", String, primary_key=True),
    Column("journal", String, primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
)
"""A place in each journal; one without a name says that the follower has begun."""
