"""What a process has in memory lies in large pages, where the kernel has them for whoever asks."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from headgate.node.staying import ASKED, PAGE_BYTES, TUNABLES, large_parts

OFFERED = Path("/sys/kernel/mm/transparent_hugepage/enabled")
SMAPS = """\
55d0c0a00000-55d0c1300000 rw-p 00000000 00:00 0                          [heap]
Size:               9216 kB
Rss:                9000 kB
7f0000100000-7f0000700000 rw-p 00000000 00:00 0
Size:               6144 kB
Rss:                3072 kB
7f0001000000-7f0001800000 rw-p 00000000 00:00 0
Size:               8192 kB
Rss:                  40 kB
7f0002000000-7f0002100000 rw-p 00000000 00:00 0
Size:               1024 kB
Rss:                1024 kB
7f0003000000-7f0004000000 rw-s 00000000 fe:00 77                         /data/journal/1.seg
Size:              16384 kB
Rss:               16384 kB
7f0005000000-7f0005800000 r-xp 00000000 fe:00 78                         /usr/lib/some.so
Size:               8192 kB
Rss:                8192 kB
"""
"""A heap, a stretch of objects, the stack of a thread, what is too short, a file, and a library."""

PROGRAM = f"""

held = [bytes(1 << 16) for _ in range({PAGE_BYTES * 8 >> 16})]
from headgate.node.staying import settle_in
print(settle_in())
print(open("/proc/self/smaps_rollup").read())
"""


def test_large_pages_are_for_what_is_mostly_there_and_backed_by_no_file() -> None:
    """Whole large pages of it; half a stack's worth of memory for a few bytes would be waste."""
    assert list(large_parts(SMAPS)) == [
        (0x55D0C0A00000, 0x55D0C1200000),
        (0x7F0000200000, 0x7F0000600000),
    ]


@pytest.mark.skipif(
    not OFFERED.exists() or "[never]" in OFFERED.read_text(),
    reason="this kernel has no large pages for whoever asks",
)
@pytest.mark.parametrize(("tunables", "wanted"), [(ASKED, True), ("", False)])
def test_a_process_has_large_pages_unless_its_tunables_say_otherwise(
    tunables: str, wanted: bool
) -> None:
    """Of the objects that it had when it settled in."""
    environment = os.environ | {TUNABLES: tunables}
    told = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, check=True, capture_output=True, text=True
    ).stdout
    large = re.search(r"AnonHugePages: +(\d+) kB", told)
    assert large is not None

    assert (int(told.split()[0]) > 0) == wanted
    assert (int(large[1]) > 0) == wanted
