"""The requests a simulator received, byte for byte."""

from collections import deque
from dataclasses import dataclass
from threading import Lock

from headgate.simulator.models import ProviderName

REQUESTS_MAX = 256
BODY_BYTES_MAX = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Received:
    """One request: `headers` in order and as spelt, `body` without its transfer coding."""

    provider: ProviderName
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    at_ns: int

    def header(self, name: str) -> str | None:
        """Return the first header called `name`, whatever its case."""
        folded = name.lower()
        return next((value for key, value in self.headers if key.lower() == folded), None)


class ReceivedRequests:
    """The last requests, bounded in number and in bytes; safe to read from other threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._requests: deque[Received] = deque()
        self._body_bytes = 0

    def add(self, request: Received) -> None:
        """Keep a request, and forget the oldest beyond the bounds (never this one)."""
        with self._lock:
            self._requests.append(request)
            self._body_bytes += len(request.body)
            while len(self._requests) > REQUESTS_MAX or (
                self._body_bytes > BODY_BYTES_MAX and len(self._requests) > 1
            ):
                self._body_bytes -= len(self._requests.popleft().body)

    def all(self) -> tuple[Received, ...]:
        """Return the kept requests, oldest first."""
        with self._lock:
            return tuple(self._requests)

    def last(self) -> Received:
        """Return the newest request.

        Raises:
            LookupError: There was none yet.
        """
        with self._lock:
            if not self._requests:
                raise LookupError("no request was received yet")
            return self._requests[-1]

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._requests.clear()
            self._body_bytes = 0
