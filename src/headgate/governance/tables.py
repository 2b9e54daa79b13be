"""Governance's tables: what people were asked."""

from sqlalchemy import BigInteger, Column, String, Table, Text

from headgate.store.schema import METADATA

approval = Table(
    "approval",
    METADATA,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("expires_ns", BigInteger, nullable=False),
    Column("status", String, nullable=False, index=True),
    Column("rule", String, nullable=False),
    Column("principal", String, nullable=False),
    Column("shown", Text, nullable=False),
    Column("digest", String, nullable=False),
    Column("call", String, nullable=False),
    Column("journal", String),
    Column("decided_by", String),
    Column("decided_ns", BigInteger),
    Column("reason", Text),
    Column("used_by", String),
)
"""One row per request; `shown` is JSON, and `digest` binds it.

`kind` is `call` or `raise`; `journal` names the worker whose call waits for it, and is null when
none does; `used_by` is the call that has used it.
"""
