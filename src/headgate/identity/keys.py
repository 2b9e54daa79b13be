"""Keys: how they are made, and the keyed hash they are known by.

A key is `hg_<id>_<secret>` with 256 random bits in the secret. Only `digest` is kept: the
HMAC-SHA-256 of the whole key under the data directory's pepper, so a stolen store opens nothing.
Looking a key up by its digest leaks nothing through timing: an attacker cannot choose digests.
"""

import hmac
import os
import secrets
from pathlib import Path

PEPPER_NAME = "pepper"
PEPPER_BYTES = 32


def digest(pepper: bytes, key: bytes) -> bytes:
    """Return what a key is known by."""
    return hmac.digest(pepper, key, "sha256")


def make_key(key_id: str) -> str:
    """Return a new key; it is shown once and never kept."""
    return f"hg_{key_id}_{secrets.token_urlsafe(32)}"


def load_pepper(data_dir: Path) -> bytes:
    """Return the data directory's pepper, made on first use, readable by its owner only."""
    path = data_dir / PEPPER_NAME
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(descriptor, "wb") as file:
        pepper = secrets.token_bytes(PEPPER_BYTES)
        file.write(pepper)
    return pepper
