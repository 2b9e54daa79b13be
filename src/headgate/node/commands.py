"""What a person may change at run time, carried out on the store.

The steward does it when one runs, the command line itself when none does.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, Engine, func, select

from headgate.budgets import store_raises
from headgate.budgets.store_raises import Raise
from headgate.identity import registry
from headgate.identity.registry import FrozenNode, KeptKey
from headgate.node import locks
from headgate.node.client import exchange
from headgate.node.messages import (
    CreateKey,
    Done,
    Failed,
    Freeze,
    Message,
    RaiseBudget,
    RevokeDelegation,
    RevokeKey,
    State,
)
from headgate.node.purging import ACTION, Purge
from headgate.node.rows import CredentialRow
from headgate.store import audit
from headgate.store.audit import Event
from headgate.store.dialect import hold_lock
from headgate.store.migrate import open_store
from headgate.store.private import make_private
from headgate.units.errors import StewardUnavailableError
from headgate.units.instants import to_iso

Command = Freeze | CreateKey | RevokeKey | RevokeDelegation | RaiseBudget | Purge

RESTART_S = 10.0
LOOK_S = 0.05


def command(data_dir: Path, message: Command) -> Done | Failed:
    """Have a command carried out, by the steward or, when no node runs, here.

    Raises:
        StewardUnavailableError: A node runs, but its steward does not answer.
        StoreError: None runs and the store cannot be opened.
    """
    answer = by_steward(
        data_dir, message, lambda engine: carry_out(engine, message, time.time_ns())
    )
    assert isinstance(answer, Done | Failed), answer
    return answer


def by_steward(data_dir: Path, message: Message, alone: Callable[[Engine], Message]) -> Message:
    """Have a message answered, by the steward or, when no node runs, by `alone`.

    A node's steward that is being restarted is waited for: changed behind its back, the store
    would say what nobody obeys.

    Raises:
        StewardUnavailableError: A node runs, but its steward does not answer.
        StoreError: None runs and the store cannot be opened.
    """
    make_private(data_dir)
    deadline_s = time.monotonic() + RESTART_S
    while True:
        try:
            return exchange(data_dir, message)
        except StewardUnavailableError:
            lock = locks.take(data_dir, "node")
            if lock is None and time.monotonic() > deadline_s:
                raise
        if lock is not None:
            break
        time.sleep(LOOK_S)
    try:
        engine = open_store(data_dir)
        try:
            return alone(engine)
        finally:
            engine.dispose()
    finally:
        os.close(lock)


def carry_out(engine: Engine, message: Command, at_ns: int) -> Done | Failed:
    """Change the store as a command says, durably, and with its entry in the audit chain."""
    with engine.begin() as connection:
        hold_lock(connection, "commands")
        answer = _carry_out(connection, message, at_ns)
        if isinstance(answer, Done):
            audit.append(connection, _event_of(message, at_ns), at_ns)
        return answer


def _carry_out(connection: Connection, message: Command, at_ns: int) -> Done | Failed:
    if isinstance(message, Freeze):
        return _freeze(connection, message, at_ns)
    if isinstance(message, Purge):
        return Done()
    if isinstance(message, RaiseBudget):
        store_raises.keep_raise(connection, _raise_of(message, at_ns))
        return Done()
    if isinstance(message, CreateKey):
        key = KeptKey(
            message.key,
            message.principal,
            message.models,
            message.digest,
            at_ns,
            root=message.root,
            until_ns=message.until_ns,
        )
        if registry.keep_key(connection, key):
            return Done()
        return Failed(f"There was a key {message.key!r} before; ids are never used twice.")
    if isinstance(message, RevokeDelegation):
        if registry.revoke_delegation(connection, message.delegation, at_ns):
            return Done()
        return Failed(f"The delegation {message.delegation!r} was revoked already.")
    if registry.revoke_key(connection, message.key, at_ns):
        return Done()
    return Failed(f"There is no valid key {message.key!r} made by `headgate keys create`.")


def _event_of(message: Command, at_ns: int) -> Event:
    """Return what the audit chain is told of a command that was carried out."""
    if isinstance(message, Freeze):
        action = "node.frozen" if message.frozen else "node.thawed"
        detail = {"reason": message.reason} if message.frozen else {}
        return Event(message.by, action, message.node, detail)
    if isinstance(message, CreateKey):
        detail = {"principal": message.principal, "models": ", ".join(message.models)}
        if message.until_ns is not None:
            detail["until"] = to_iso(message.until_ns)
        return Event(message.by, "key.created", f"key:{message.key}", detail)
    if isinstance(message, Purge):
        return Event(message.by, ACTION, "responses", {"reason": message.reason})
    if isinstance(message, RaiseBudget):
        return store_raises.raised(_raise_of(message, at_ns), message.by, message.reason)
    if isinstance(message, RevokeDelegation):
        return Event(message.by, "delegation.revoked", f"delegation:{message.delegation}")
    return Event(message.by, "key.revoked", f"key:{message.key}")


def _raise_of(message: RaiseBudget, at_ns: int) -> Raise:
    return Raise(f"raise_{at_ns:x}", message.budget, message.by_nanos, message.until_ns)


def _freeze(connection: Connection, message: Freeze, at_ns: int) -> Done | Failed:
    if message.frozen:
        wanted = FrozenNode(message.node, at_ns, message.reason)
        kept = registry.set_frozen(connection, wanted)
        if kept == wanted:
            return Done()
        reason = f": {kept.reason}" if kept.reason else ""
        return Failed(f"{kept.node} was frozen already, since {to_iso(kept.at_ns)}{reason}.")
    if registry.set_thawed(connection, message.node):
        return Done()
    return Failed(f"{message.node} was not frozen.")


def _purged_ns(connection: Connection) -> int:
    """Return when kept replies were last purged, 0 for never: the audit chain is where it stands.

    So workers of other nodes obey it as well, and those that start later.
    """
    latest = select(func.max(audit.audit.c.at_ns)).where(audit.audit.c.action == ACTION)
    return connection.scalar(latest) or 0


def state(engine: Engine, epoch: int) -> State:
    """Return what is frozen, which keys made at run time are valid, when replies were purged."""
    with engine.connect() as connection:
        return State(
            epoch=epoch,
            frozen=tuple(node.node for node in registry.frozen_nodes(connection)),
            credentials=valid_keys(connection),
            revoked=tuple(registry.revoked_delegations(connection)),
            purged_ns=_purged_ns(connection),
        )


def valid_keys(connection: Connection) -> tuple[CredentialRow, ...]:
    """Return the keys made at run time that are valid."""
    return tuple(
        CredentialRow(key.id, key.principal, key.models, key.digest, key.root, key.until_ns)
        for key in registry.kept_keys(connection)
        if key.revoked_ns is None
    )
