"""What may go wrong at a provider, on demand."""

from dataclasses import dataclass, replace
from enum import StrEnum
from threading import Lock

from headgate.simulator.models import ProviderName

FAULTS_MAX = 1000
TEXTS_MAX = 10_000


class FaultKind(StrEnum):
    """The faults.

    The first eight are answers with a status and bill nothing; so do `stall` and `reset`.
    """

    RATE_LIMIT = "rate_limit"  # 429 with retry-after
    QUOTA = "quota"  # the account has no credit left: 429 at OpenAI, 400 at Anthropic
    OVERLOADED = "overloaded"  # 503 at OpenAI, 529 at Anthropic
    SERVER_ERROR = "server_error"  # 500
    BAD_GATEWAY = (
        "bad_gateway"  # 502 with a page of HTML, as a proxy in front of the provider sends
    )
    NONSENSE = "nonsense"  # 200 with a page of HTML, as a portal in front of the network sends
    UNAUTHORIZED = "unauthorized"  # 401
    NOT_FOUND = "not_found"  # 404
    STALL = "stall"  # never answers
    RESET = "reset"  # the connection is reset before the first byte
    STALL_STREAM = "stall_stream"  # falls silent after some pieces
    CUT = "cut"  # the connection is closed after some pieces, before the usage
    ERROR_EVENT = "error_event"  # an error in the stream after some pieces
    NO_USAGE = "no_usage"  # the reply lacks its usage
    IGNORE_LIMIT = "ignore_limit"  # generates twice the output limit, and more
    CLOSE_DELIMITED = (
        "close_delimited"  # neither length nor chunks: the end of the connection is the end
    )


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes:
        times: How many requests it strikes; None for all until it is cleared.
        after_chunks: Pieces of a stream that pass before it strikes.
        retry_after_s: What `retry-after` says; None for no such header.
        provider: Only requests to this provider; None for any.
        model: Only requests for this model, as asked; None for any.
        share: Of those requests, 0..1, evenly: of four requests a quarter is the fourth.
    """

    kind: FaultKind
    times: int | None = None
    after_chunks: int = 3
    retry_after_s: int | None = 1
    provider: ProviderName | None = None
    model: str | None = None
    share: float = 1.0


class FaultBoard:
    """The faults that are set; safe to use from other threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._faults: list[Fault] = []
        self._struck: dict[str, int] = {}
        self._due: dict[Fault, float] = {}

    def add(self, fault: Fault) -> None:
        """Let `fault` strike from the next request on.

        Raises:
            ValueError: There are too many faults already.
        """
        with self._lock:
            if len(self._faults) >= FAULTS_MAX:
                raise ValueError(f"at most {FAULTS_MAX} faults can be set")
            self._faults.append(fault)

    def clear(self) -> None:
        """Take all faults away."""
        with self._lock:
            self._faults.clear()
            self._struck.clear()
            self._due.clear()

    @property
    def pending(self) -> tuple[Fault, ...]:
        """The faults that are set, the next to strike first."""
        with self._lock:
            return tuple(self._faults)

    def take(self, provider: ProviderName, model: str) -> Fault | None:
        """Return the fault that strikes a request, if any, and count it."""
        with self._lock:
            for index, fault in enumerate(self._faults):
                if fault.provider not in (None, provider) or fault.model not in (None, model):
                    continue
                if not self._is_due(fault):
                    continue
                if fault.times is not None:
                    self._faults[index] = replace(fault, times=fault.times - 1)
                    if fault.times <= 1:
                        del self._faults[index]
                return fault
        return None

    def _is_due(self, fault: Fault) -> bool:
        if fault.share >= 1:
            return True
        due = self._due.get(fault, 0.0) + fault.share
        self._due[fault] = due % 1
        return due >= 1

    def take_marked(self, fault: Fault, text: str) -> Fault | None:
        """Return the fault a message asks for itself, until it struck `times` for this text."""
        if fault.times is None:
            return fault
        with self._lock:
            struck = self._struck.get(text, 0)
            if struck >= fault.times:
                return None
            if len(self._struck) >= TEXTS_MAX:
                self._struck.clear()
            self._struck[text] = struck + 1
        return fault
