"""Locks that say who works on a data directory; the system frees them however a process ends."""

import asyncio
import fcntl
import os
from pathlib import Path
from typing import Literal

from headgate.node.paths import run_dir

LOOK_S = 0.1
Role = Literal["node", "steward"]


def take(data_dir: Path, role: Role) -> int | None:
    """Take a role on a data directory; the descriptor that holds it, None when it is taken."""
    path = run_dir(data_dir) / f"{role}.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


async def alone(data_dir: Path, role: Role, stop: asyncio.Event) -> bool:
    """Wait until no other process has a role; False when told to stop first.

    There is another when the supervisor was killed and a new one came before the old processes had
    ended. The lock is held until this process ends.
    """
    while not stop.is_set():
        if take(data_dir, role) is not None:
            return True
        await asyncio.sleep(LOOK_S)
    return False
