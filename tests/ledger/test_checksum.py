"""The journal's checksum is the CRC-32 of zlib and Ethernet, whoever computes it."""

import zlib

from hypothesis import given
from hypothesis import strategies as st

from headgate.store.checksum import crc32


@given(st.binary(max_size=5_000))
def test_it_is_the_standard_librarys(data: bytes) -> None:
    """A journal that was written with one library is read with the other."""
    assert crc32(data) == zlib.crc32(data)
    assert crc32(memoryview(data)) == zlib.crc32(data)
