"""Batches that are made again: whoever comes back with its idempotency key gets the first one.

A key is kept with its batch, in one transaction, before the batch is held; so what became of it is
read from the batch and its money, whoever dies. There is no outcome of which nobody knows.
"""

from typing import NamedTuple

from sqlalchemy import Connection

from headgate.ledger import store_batch_keys, store_batches
from headgate.ledger.settings import Idempotency
from headgate.ledger.store_batch_keys import KeyOfBatch
from headgate.ledger.store_repeats import NANOS_PER_HOUR
from headgate.node.control.registry import refused
from headgate.records.batch import Batch
from headgate.records.control import ControlReply, Named
from headgate.units import errors


class Ruling(NamedTuple):
    """What keys are ruled about by: the node that is asked, what is configured, and when it is."""

    node: str
    settings: Idempotency
    now_ns: int


def made_before(
    connection: Connection, named: Named, principal: str, by: Ruling
) -> Batch | ControlReply | None:
    """Return the batch that was made under a key, or why none may be made; None: the key is free.

    A key whose batch was never held is freed here: a crash came between the two.
    """
    key = store_batch_keys.find_key(connection, principal, named.key)
    if key is None:
        return None
    batch = store_batches.find_batch(connection, key.batch)
    if batch is not None and not store_batch_keys.is_held(connection, batch):
        if batch.node != by.node:
            message = f"{batch.id} has this idempotency key and is being held at another node."
            return refused(errors.IDEMPOTENCY_RUNNING, message)
        forget(connection, batch)
        return None
    if _is_forgotten(key, batch, by):
        store_batch_keys.free_key(connection, key.batch)
        return None
    if key.fingerprint != named.fingerprint:
        message = (
            f"This idempotency key belongs to {key.batch}, which was asked for otherwise; use a"
            " new key for a new batch."
        )
        return refused(errors.IDEMPOTENCY_MISMATCH, message)
    if batch is None:
        message = (
            f"{key.batch} was made under this idempotency key and deleted. A new key makes the"
            " batch again, and pays again."
        )
        return refused(errors.IDEMPOTENCY_DONE, message)
    return batch


def keep(
    connection: Connection, batch: Batch, named: Named | None, by: Ruling
) -> ControlReply | None:
    """Keep a new batch with its key, or tell why not."""
    if named is not None:
        if store_batch_keys.count_keys(connection, batch.principal) >= by.settings.keys_max:
            message = "Too many idempotency keys are remembered for you; each is forgotten in time."
            return refused(errors.IDEMPOTENCY_FULL, message)
        key = KeyOfBatch(batch.principal, named.key, named.fingerprint, batch.id, by.now_ns)
        store_batch_keys.keep_key(connection, key)
    store_batches.keep_batch(connection, batch)
    return None


def forget(connection: Connection, batch: Batch) -> None:
    """Forget a batch that was never held: its key is free again."""
    store_batches.forget_batch(connection, batch.id)
    store_batch_keys.free_key(connection, batch.id)


def _is_forgotten(key: KeyOfBatch, batch: Batch | None, by: Ruling) -> bool:
    before_ns = by.now_ns - by.settings.keep_hours * NANOS_PER_HOUR
    return key.at_ns <= before_ns and (batch is None or batch.stage == "settled")
