"""Keys made and nodes frozen at run time, kept in the store."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from headgate.identity.settings import Key
from headgate.identity.tables import credential, freeze, revocation
from headgate.store.dialect import upsert
from headgate.units.instants import earliest


class KeptKey(NamedTuple):
    """A key made at run time.

    Attributes:
        digest: Keyed hash, hexadecimal.
        revoked_ns: When it was revoked, None while it is valid.
        root: What its delegations are verified with, hexadecimal; None when it makes none.
        until_ns: When it ends, None for never.
    """

    id: str
    principal: str
    models: tuple[str, ...]
    digest: str
    created_ns: int
    revoked_ns: int | None = None
    root: str | None = None
    until_ns: int | None = None


class FrozenNode(NamedTuple):
    """A node that may not spend, since when and why."""

    node: str
    at_ns: int
    reason: str


def keep_key(connection: Connection, key: KeptKey) -> bool:
    """Keep a new key; False when its id was used before (ids are never used twice)."""
    if connection.scalar(select(credential.c.id).where(credential.c.id == key.id)) is not None:
        return False
    values = {**key._asdict(), "models": msgspec.json.encode(key.models).decode()}
    connection.execute(insert(credential).values(values))
    return True


def revoke_key(connection: Connection, key_id: str, at_ns: int) -> bool:
    """Revoke a key; False when there is no such valid key."""
    found = connection.execute(
        update(credential)
        .where(credential.c.id == key_id, credential.c.revoked_ns.is_(None))
        .values(revoked_ns=at_ns)
    )
    return found.rowcount == 1


def kept_keys(connection: Connection) -> list[KeptKey]:
    """Return all keys made at run time, the revoked ones too, oldest first."""
    rows = connection.execute(select(credential).order_by(credential.c.created_ns))
    return [
        KeptKey(
            id=row.id,
            principal=row.principal,
            models=msgspec.json.decode(row.models, type=tuple[str, ...]),
            digest=row.digest,
            created_ns=row.created_ns,
            revoked_ns=row.revoked_ns,
            root=row.root,
            until_ns=row.until_ns,
        )
        for row in rows
    ]


def ends_of(configured: Mapping[str, Key], kept: Iterable[KeptKey]) -> dict[str, int]:
    """Return when keys end, by id; those are left out that never do.

    One that the configuration has and that was made at run time ends with the first of the two.
    """
    ends = {key.id: key.until_ns for key in configured.values()}
    for key in kept:
        ends[key.id] = earliest(ends.get(key.id), key.until_ns)
    return {key: until_ns for key, until_ns in ends.items() if until_ns is not None}


def valid_ids(connection: Connection, configured: Mapping[str, Key], now_ns: int) -> set[str]:
    """Return the keys that are valid: those of the configuration, and those made at run time."""
    kept = kept_keys(connection)
    gone = {key.id for key in kept if key.revoked_ns is not None}
    over = {key for key, until_ns in ends_of(configured, kept).items() if until_ns <= now_ns}
    return {*configured, *(key.id for key in kept)} - gone - over


def set_frozen(connection: Connection, node: FrozenNode) -> FrozenNode:
    """Freeze a node; return it as it is frozen: one that was already keeps instant and reason."""
    connection.execute(upsert(freeze).values(**node._asdict()).on_conflict_do_nothing())
    row = connection.execute(select(freeze).where(freeze.c.node == node.node)).one()
    return FrozenNode(row.node, row.at_ns, row.reason)


def set_thawed(connection: Connection, node: str) -> bool:
    """Thaw a node; False when it was not frozen."""
    return connection.execute(delete(freeze).where(freeze.c.node == node)).rowcount == 1


def frozen_nodes(connection: Connection) -> Sequence[FrozenNode]:
    """Return the nodes that are frozen now."""
    rows = connection.execute(select(freeze).order_by(freeze.c.at_ns))
    return [FrozenNode(row.node, row.at_ns, row.reason) for row in rows]


def revoke_delegation(connection: Connection, delegation: str, at_ns: int) -> bool:
    """Revoke a delegation by its id; False when it was revoked already."""
    statement = upsert(revocation).values(delegation=delegation, at_ns=at_ns)
    made = statement.on_conflict_do_nothing().returning(revocation.c.delegation)
    return connection.scalar(made) is not None


def revoked_delegations(connection: Connection) -> Sequence[str]:
    """Return the delegations that were revoked, oldest first."""
    query = select(revocation.c.delegation).order_by(revocation.c.at_ns)
    return connection.scalars(query).all()
