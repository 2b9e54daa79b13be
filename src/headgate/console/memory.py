"""What is dear to sum up is summed up once for a while, however many readers ask."""

from collections.abc import Callable, Hashable
from threading import Lock
from typing import TypeVar, cast

from headgate.units.instants import NANOS_PER_SECOND

T = TypeVar("T")

KEPT_MAX = 64


class Memory:
    """Answers by key, each until it is too old; pages are answered by several threads.

    Nobody waits for an answer that another makes: it may need a connection that waiters hold. So
    two who ask at once both make it.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[Hashable, tuple[int, object]] = {}

    def get(self, key: Hashable, now_ns: int, keep_s: int, make: Callable[[], T]) -> T:
        """Return the answer to `key`, made now unless one is younger than `keep_s` seconds."""
        if keep_s <= 0:
            return make()
        with self._lock:
            made = self._kept.get(key)
        if made is None or now_ns - made[0] >= keep_s * NANOS_PER_SECOND:
            made = (now_ns, make())
            with self._lock:
                self._kept.pop(key, None)
                self._kept[key] = made
                if len(self._kept) > KEPT_MAX:
                    del self._kept[next(iter(self._kept))]
        return cast("T", made[1])
