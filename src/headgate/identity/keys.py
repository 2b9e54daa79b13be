"""Keys: how they are made, and the keyed hash they are known by.

A key is `hg_<id>_<secret>` with 256 random bits in the secret. Only `digest` is kept: keyed
BLAKE2b (RFC 7693) of the whole key under the data directory's pepper, so a stolen store opens
nothing; it costs a third of an HMAC-SHA-256, and every request pays it.
Looking a key up by its digest leaks nothing through timing: an attacker cannot choose digests.
Nor does looking it up among keys met before, by Python's hash, whose seed is random and secret.
"""

import contextlib
import hashlib
import os
import secrets
import tempfile
from pathlib import Path
from typing import IO, Final

PEPPER_NAME: Final = "pepper"
PEPPER_BYTES: Final = 32


def digest(pepper: bytes, key: bytes) -> bytes:
    """Return what a key is known by."""
    return hashlib.blake2b(key, key=pepper, digest_size=32).digest()


def make_key(key_id: str) -> str:
    """Return a new key; it is shown once and never kept."""
    return f"hg_{key_id}_{secrets.token_urlsafe(32)}"


def load_pepper(data_dir: Path) -> bytes:
    """Return the data directory's pepper, made on first use, readable by its owner only."""
    path = data_dir / PEPPER_NAME
    if not path.exists():
        # Made whole before it has its name: two processes that start at once read the same.
        with tempfile.NamedTemporaryFile(dir=data_dir, prefix=PEPPER_NAME) as file:
            _write(file, secrets.token_bytes(PEPPER_BYTES))
            with contextlib.suppress(FileExistsError):
                path.hardlink_to(file.name)
    return path.read_bytes()


def keep_pepper(data_dir: Path, pepper: bytes) -> None:
    """Keep another pepper: keys that were made with the one before open nothing any more."""
    with tempfile.NamedTemporaryFile(dir=data_dir, prefix=PEPPER_NAME, delete=False) as file:
        _write(file, pepper)
    Path(file.name).replace(data_dir / PEPPER_NAME)


def _write(file: IO[bytes], pepper: bytes) -> None:
    file.write(pepper)
    file.flush()
    os.fsync(file.fileno())
