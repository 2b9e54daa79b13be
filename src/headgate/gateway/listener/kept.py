"""The last certificate that was good, kept for a worker that starts while the files are not.

It lies in memory that has no name, with its key: whoever holds it hands it on as descriptors, and
nothing of it is written to a disk. Where the system has no such memory nothing is kept.
"""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from headgate.gateway.listener.tls import Stamp, TlsError, server_context, stamp
from headgate.gateway.settings import Tls

LOOK_S = 2.0
"""How often it is looked whether a file was changed."""

PEM_BYTES_MAX = 1 << 20
"""A longer file is no certificate, and is not kept."""


class Found(NamedTuple):
    """Descriptors of what is kept, each a file in memory.

    Attributes:
        shown: Certificate and key, one after the other.
        authorities: Those of clients' certificates; None where none are asked for.
    """

    shown: int
    authorities: int | None


def tls_of(found: Sequence[int]) -> Tls:
    """Return what to show by descriptors that were handed on, as `KeptCertificate.fds` has them."""
    shown, *authorities = (f"/proc/self/fd/{each}" for each in found)
    return Tls(shown, shown, authorities[0] if authorities else None)


class KeptCertificate:
    """What is kept of the files that one configuration names.

    Args:
        tls: Where they are; None keeps nothing.
    """

    def __init__(self, tls: Tls | None) -> None:
        self._tls = tls
        self._stamp: Stamp = ()
        self._found: Found | None = None
        self._due_s = 0.0
        self.look()

    @property
    def fds(self) -> tuple[int, ...]:
        """What a worker is handed on; empty while nothing is kept. The numbers stay."""
        if self._found is None:
            return ()
        return tuple(each for each in self._found if each is not None)

    def look(self) -> None:
        """Keep what the files have now, if they were changed and are good; not at every call."""
        now_s = time.monotonic()
        if self._tls is None or now_s < self._due_s:
            return
        self._due_s = now_s + LOOK_S
        seen = stamp(self._tls)
        if seen == self._stamp:
            return
        try:
            with _in_memory(self._tls) as found:
                if found is not None:
                    server_context(tls_of([each for each in found if each is not None]))
                    self._take(found)
        except (OSError, TlsError):
            # Workers say what is wrong; what was good before is kept. It is looked again.
            return
        self._stamp = seen

    def _take(self, found: Found) -> None:
        """Put what was found to be good in place of what is kept."""
        if self._found is None:
            shown, authorities = found
            self._found = Found(os.dup(shown), None if authorities is None else os.dup(authorities))
            return
        for new, kept in zip(found, self._found, strict=True):
            if new is not None and kept is not None:
                os.dup2(new, kept, inheritable=False)

    def close(self) -> None:
        """Keep nothing any more; workers that were handed it on have it still."""
        for each in self.fds:
            os.close(each)
        self._found = self._tls = None


@contextmanager
def _in_memory(tls: Tls) -> Iterator[Found | None]:
    """Copy the files into memory while this lasts; None where there is no such memory."""
    if sys.platform != "linux":
        yield None
        return
    shown = os.memfd_create("certificate")
    authorities = None if tls.client_ca is None else os.memfd_create("authorities")
    try:
        os.write(shown, _read(tls.certificate) + b"\n" + _read(tls.key))
        if authorities is not None and tls.client_ca is not None:
            os.write(authorities, _read(tls.client_ca))
        yield Found(shown, authorities)
    finally:
        os.close(shown)
        if authorities is not None:
            os.close(authorities)


def _read(path: str) -> bytes:
    with Path(path).open("rb") as file:
        return file.read(PEM_BYTES_MAX)
