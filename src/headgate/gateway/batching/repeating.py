"""A batch that is made again under its idempotency key, as a worker meets it: told of, not made.

The steward has the keys of batches, and keeps each with its batch; here is what they are compared
by. See `node/batch_repeats.py`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import msgspec

from headgate.gateway.kept.repeats import KEY_INVALID, digest_of
from headgate.records.batch import Batch
from headgate.records.control import Named
from headgate.units.errors import Refusal
from headgate.units.ids import is_idempotency_key

if TYPE_CHECKING:
    from headgate.gateway.batching.desk import Desk
    from headgate.gateway.client.request import Head

REPLAYED: Final = ((b"x-headgate-replayed", b"true"),)
"""What the answer to a repeat has beside the batch."""


async def named(head: Head, body: bytes) -> Named | Refusal | None:
    """Return what the making of a batch is known by; None without a key."""
    if head.idempotency_key is None:
        return None
    key = head.idempotency_key.decode("latin-1")
    if not is_idempotency_key(key):
        return KEY_INVALID
    return Named(key, await asyncio.to_thread(digest_of, head.method, head.path, body))


async def made_before(desk: Desk, known_by: Named | None) -> Batch | Refusal | None:
    """Return the batch that was made under a key, or why none may be made; None: the key is free.

    It is asked before anything is read or quoted: the file may be gone by now, or the model.
    """
    if known_by is None:
        return None
    told = await desk.batches("AGAIN", "", msgspec.json.encode(known_by).decode())
    if isinstance(told, Refusal):
        return told
    return msgspec.json.decode(told, type=Batch) if told else None
