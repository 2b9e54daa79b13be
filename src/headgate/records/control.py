"""Control requests: what a client asks about Headgate itself, which spends nothing.

The worker that takes one knows who asks; the steward, which has the store, answers it.
"""

from collections.abc import Callable
from typing import Final, Literal, Protocol

from msgspec import Struct

from headgate.records.batch import Batch

RESOURCES: Final[dict[str, tuple[str, ...]]] = {
    "approvals": ("GET", "POST"),
    "budgets": ("GET",),
    "calls": ("GET",),
    "feedback": ("POST",),
    "outcomes": ("POST",),
    "runs": ("GET", "POST"),
}
"""What lies below `/v1/` and is answered by the steward, with the methods each takes."""

REPEATS: Final = "repeats"
"""What workers ask on their own account: idempotency keys. No client reaches it."""

BATCHES, FILES = "batches", "files"
"""What workers ask on behalf of clients who make batches, by methods of our own."""

RESPONSES: Final = "responses"
"""What workers ask on behalf of clients who come back for what a provider keeps."""

MAKER: Final = "MAKER"
"""The method by which a worker asks who had such a response made, whoever that is."""

OutcomeKind = Literal["call", "run", "session"]
"""What an outcome is told of."""

OUTCOME_HOOKS: Final = "outcome_hooks"
"""What workers ask on behalf of trackers whose messages were signed; no client reaches it."""

BODY_BYTES_MAX: Final = 65_536


class ControlRequest(Struct, frozen=True):
    """A request of a client that is known.

    Attributes:
        resource: One of `RESOURCES`, or `REPEATS`, `BATCHES`, `FILES`, `RESPONSES`,
            `OUTCOME_HOOKS`.
        delegated: Whether it comes with a delegation of the key, not with the key itself.
        name: What stands behind it in the path, empty for nothing.
        body: JSON text, empty for none.
    """

    method: str
    resource: str
    name: str
    principal: str
    team: str
    key: str
    delegated: bool = False
    body: str = ""


class Tracked(Struct, frozen=True):
    """How some work ended, as a tracker told it by a hook.

    Attributes:
        marks: What the message is known by when it comes again.
        subjects: Calls, runs and sessions: the kind and the name of each.
        note: What happened, for people.
        task: What kind of work it was, None when nobody says.
        human_seconds: How long people worked on it, likewise.
    """

    marks: tuple[str, ...]
    subjects: tuple[tuple[OutcomeKind, str], ...]
    success: bool
    note: str
    task: str | None = None
    human_seconds: int | None = None


class ControlReply(Struct, frozen=True):
    """What it is answered with.

    Attributes:
        status: HTTP status.
        body: JSON text; of a refusal, a sentence a person can act on.
        code: The code of a refusal, None for a good answer.
    """

    status: int
    body: str
    code: str | None = None


Answered = Callable[[ControlReply | None], None]
"""Called once: with the answer, or None when the steward went away."""


class Control(Protocol):
    """Whoever gets control requests to the steward."""

    def send(self, request: ControlRequest, answered: Answered) -> bool:
        """Send a request; False when nobody can be asked now."""


class Named(Struct, frozen=True):
    """What the making of a batch is known by when it comes again.

    Attributes:
        key: The idempotency key that its client sent.
        fingerprint: Digest of what is asked for, hexadecimal.
    """

    key: str
    fingerprint: str


class Opening(Struct, frozen=True):
    """A batch that is to be held.

    Attributes:
        shadows: Those of its windows that cannot refuse it.
        named: What it is known by when it is made again, None without an idempotency key.
    """

    batch: Batch
    shadows: tuple[str, ...] = ()
    named: Named | None = None


class Allotted(Struct, frozen=True):
    """The allotment that a delegation's calls are held on.

    Attributes:
        own: Whether it is the delegation's, and not that of a generation above it.
    """

    window: str
    node: str
    amount_nanos: int
    own: bool


class Spending(Struct, frozen=True):
    """What calls of a client would be held by, beside its key: for what its budgets are.

    Attributes:
        run: That they would be of, None for none.
        tags: `NAME=VALUE` each.
        agents: The names of the delegations they are made through, the first in front.
        models: Aliases and deployments they may ask for, None for all.
        allotted: None for calls that are held on the budgets of their principal.
    """

    run: str | None
    tags: tuple[str, ...]
    agents: tuple[str, ...]
    models: tuple[str, ...] | None
    allotted: Allotted | None


class Listing(Struct, frozen=True):
    """Which of one's own are asked for: of a wire (empty for files), behind the one with an id."""

    wire: str
    limit: int
    after: str | None = None
