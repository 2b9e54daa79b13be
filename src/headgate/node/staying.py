"""What a process has in memory once it is ready: it stays, and lies in large pages.

A processor remembers the places of some two thousand pages, and in a virtual machine it is dear to
look up another one. With pages of 4 kB a worker's objects take ten times as many. Linux has pages
of 2 MB for whoever asks (https://docs.kernel.org/admin-guide/mm/transhuge.html).
"""

import ctypes
import gc
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

PAGE_BYTES: Final = 2 << 20

TUNABLES: Final = "GLIBC_TUNABLES"
ASKED: Final = "glibc.malloc.hugetlb=1"
"""Has glibc ask for what it allocates from then on (GNU C Library manual, Memory Allocation
Tunables); whoever starts a node with other tunables has pages of 4 kB."""

KEPT: Final = f"glibc.malloc.mmap_threshold={4 << 20}:glibc.malloc.trim_threshold={16 << 20}"
"""Has glibc keep the room of bodies for the next ones. It would give the top of the heap back again
and again, and each large page that comes anew is zeroed first: a twentieth of a call of 120 kB."""

_ADVISE: Final = 14
_COLLAPSE: Final = 25
"""MADV_HUGEPAGE and MADV_COLLAPSE of madvise(2), the latter since Linux 6.1."""

_SMAPS: Final = Path("/proc/self/smaps")
_RANGE: Final = re.compile(r"([0-9a-f]+)-([0-9a-f]+) rw-p \S+ \S+ 0 *(\[heap\])?\n")
_RESIDENT: Final = re.compile(r"Rss: +(\d+) kB")
_RESIDENT_LEAST: Final = 0.5
"""A range of which less is in memory would take far more of it: stacks, and what is spare."""


def settle_in() -> int:
    """Have what is in memory stay there, in large pages; returns how many it got.

    The collector need not look through it again. To be called when all is there that will be
    there for good. Without Linux, or where its tunables say otherwise, there are no large pages.
    """
    gc.collect()
    gc.freeze()
    if ASKED not in os.environ.get(TUNABLES, "") or not _SMAPS.exists():
        return 0
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    got = 0
    for start, end in large_parts(_SMAPS.read_text()):
        madvise(start, end - start, _ADVISE)
        # One by one: a page that cannot be had now is no reason to go without the others.
        pages = range(start, end, PAGE_BYTES)
        got += sum(not madvise(page, PAGE_BYTES, _COLLAPSE) for page in pages)
    return got


def large_parts(smaps: str) -> Iterator[tuple[int, int]]:
    """Yield from where to where large pages are worth it, as addresses.

    Args:
        smaps: What the kernel tells of a process's memory (`/proc/PID/smaps`).
    """
    for each in _RANGE.finditer(smaps):
        start, end = int(each[1], 16), int(each[2], 16)
        resident = _RESIDENT.search(smaps, each.end())
        if resident is None or int(resident[1]) << 10 < _RESIDENT_LEAST * (end - start):
            continue
        start, end = -(-start // PAGE_BYTES) * PAGE_BYTES, end // PAGE_BYTES * PAGE_BYTES
        if start < end:
            yield start, end
