"""The tables of batches and of their files: a row has what is asked by, and the record as JSON."""

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from headgate.store.schema import METADATA

batch = Table(
    "batch",
    METADATA,
    Column("id", String, primary_key=True),
    Column("principal", String, nullable=False),
    Column("wire", String, nullable=False),
    Column("node", String, nullable=False),
    Column("stage", String, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("record", Text, nullable=False),
    Index("batch_of_principal", "principal", "created_ns"),
    Index("batch_by_stage", "stage"),
)
"""Batches; see `records/batch.py`."""

batch_key = Table(
    "batch_key",
    METADATA,
    Column("principal", String, primary_key=True),
    Column("key", String, primary_key=True),
    Column("fingerprint", String, nullable=False),
    Column("batch", String, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Index("batch_key_by_age", "at_ns"),
    Index("batch_key_of_batch", "batch"),
)
"""Idempotency keys under which batches were made; a key outlives the row of its batch."""

stored_file = Table(
    "stored_file",
    METADATA,
    Column("id", String, primary_key=True),
    Column("principal", String, nullable=False),
    Column("node", String, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("created_ns", BigInteger, nullable=False),
    Column("expires_ns", BigInteger, nullable=False, server_default="0"),
    Column("record", Text, nullable=False),
    Index("file_of_principal", "principal", "created_ns"),
    Index("file_by_end", "expires_ns"),
)
"""Files; their bytes lie beside the store, under their ids."""
