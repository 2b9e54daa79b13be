"""How parts of prompts are hashed: alike by all workers of a node, by nobody without its key."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.caches.prompt import LONG_BYTES, digest_of

PROGRAM = f"""
from headgate.caches.prompt import digest_of
print(digest_of(b"x" * {LONG_BYTES - 1}), digest_of(b"x" * {LONG_BYTES}))
"""


def hashed(key: str) -> list[int]:
    """Return what a process whose key is given makes of a short part and of a long one."""
    environment = {**os.environ, "PYTHONHASHSEED": key}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    )
    return [int(each) for each in done.stdout.split()]


def test_workers_of_a_node_hash_alike_and_others_do_not() -> None:
    """What one worker has told of a prefix the others find; who has another key finds nothing."""
    first, again, other = hashed("7"), hashed("7"), hashed("8")

    assert first == again
    assert not set(first) & set(other)


@pytest.mark.parametrize("size", [8, LONG_BYTES - 1, LONG_BYTES, 100_000])
@given(at=st.integers(0), changed=st.integers(1, 255))
def test_every_byte_counts(size: int, at: int, changed: int) -> None:
    """A part with another byte has another hash; the same bytes have the same."""
    part = bytes(number % 251 for number in range(size))
    other = bytearray(part)
    other[at % size] ^= changed

    assert digest_of(part) == digest_of(bytes(bytearray(part)))
    assert digest_of(part) != digest_of(bytes(other))
