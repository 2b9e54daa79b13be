"""What the processes of a node say to each other over the steward's Unix socket.

A message is `u32 length (little-endian) | JSON`, tagged by its field `type`.
"""

import struct

import msgspec

from headgate.experience.rows import Experience
from headgate.node.corrections import Adjust, Corrected, KeepCells
from headgate.node.purging import Purge
from headgate.node.rows import (
    AllotmentRow,
    CredentialRow,
    GrantRow,
    NeedRow,
    OutcomeRow,
    QueuedRow,
    UnwellRow,
    WantedRow,
)
from headgate.records.approval import Asking, Told
from headgate.records.control import ControlReply, ControlRequest
from headgate.records.minutes import Taking

LENGTH = struct.Struct("<I")
MESSAGE_BYTES_MAX = 8 << 20
UNKNOWN = "unknown"
"""Who changes something and does not say who it is."""


class _Message(msgspec.Struct, frozen=True, tag_field="type", tag=str.lower):
    """Common settings of all messages."""


# From a worker.


class Hello(_Message, frozen=True):
    """A worker's first message; `journal` is the name of its journal's folder."""

    worker: str
    journal: str
    pid: int


class Borrow(_Message, frozen=True):
    """Asks for money; answered at once by `Lent`, which may leave needs undecided.

    Attributes:
        needs: In the order in which their calls came; each is decided by this `Lent` or a later.
        wants: What the worker would like beyond them, by window.
        returned: What it gives back with this, by window.
        debts: What it posted beyond what it was lent.
        heard: How many `Lent` with money it has had on this connection.
    """

    needs: tuple[NeedRow, ...]
    wants: dict[str, int]
    returned: dict[str, int]
    debts: dict[str, int]
    heard: int


class Carve(_Message, frozen=True):
    """Asks for allotments, before money of them is borrowed; each that fails has an `Uncarved`."""

    allotments: tuple[AllotmentRow, ...]


class GiveBack(_Message, frozen=True):
    """Returns idle money, by window; not answered.

    Attributes:
        recall: The number of the `Recall` that this answers; 0 for none.
        done: Small windows whose work is over, of which the worker knows nothing from here on.
    """

    amounts: dict[str, int]
    recall: int = 0
    done: tuple[str, ...] = ()


class Unwell(_Message, frozen=True):
    """Tells which deployments a worker passes over now; sent when it changes, not answered."""

    deployments: tuple[UnwellRow, ...]


class Crowd(_Message, frozen=True):
    """Tells who waits for a place at a worker's deployments; sent when it changes, not answered."""

    queued: tuple[QueuedRow, ...]


class HasPlaces(_Message, frozen=True):
    """Tells, after `Hello`, what places a worker was lent before, by deployment."""

    lent: dict[str, int]


class WantPlaces(_Message, frozen=True):
    """Tells how many places a worker would use at deployments, and how many it gives back."""

    rows: tuple[WantedRow, ...]


class HasTaken(_Message, frozen=True):
    """Tells what is lacking of limits of a minute, both ways; a worker's first word of them."""

    lacking: tuple[Taking, ...]


class Took(_Message, frozen=True):
    """Tells what a worker took of limits of a minute; passed on to the other workers."""

    news: tuple[Taking, ...]


class AskControl(_Message, frozen=True):
    """Passes a client's control request on; answered by `AnswerControl` with the same number."""

    number: int
    request: ControlRequest


class AskApproval(_Message, frozen=True):
    """Asks a person about a call; answered by `Decided`, and again when it was decided."""

    asking: Asking


class UseApproval(_Message, frozen=True):
    """Uses up what was approved, for a call; answered by `Decided`."""

    asking: Asking


class LetGo(_Message, frozen=True):
    """Waits for a request no more: it is withdrawn, or left open without its call."""

    approval: str
    withdrawn: bool


# To a worker.


class State(_Message, frozen=True):
    """What holds now: sent after `Hello` and whenever it changes.

    Attributes:
        epoch: Counts changes; a worker applies only a newer one.
        frozen: Nodes that may not spend.
        credentials: Keys made at run time that are valid.
        revoked: Delegations that were revoked, by their ids.
        purged_ns: When kept replies were last purged; 0 for never.
    """

    epoch: int
    frozen: tuple[str, ...]
    credentials: tuple[CredentialRow, ...]
    revoked: tuple[str, ...] = ()
    purged_ns: int = 0


class Granted(_Message, frozen=True):
    """What this worker was lent and still has, by window, and what is posted; after `Hello`."""

    granted: dict[str, GrantRow]


class Lent(_Message, frozen=True):
    """What was lent just now, and which needs are decided.

    Attributes:
        heard: Whether this is the answer to a `Borrow`; else it is about needs of earlier ones.
    """

    heard: bool
    granted: dict[str, GrantRow]
    outcomes: tuple[OutcomeRow, ...]


class Recall(_Message, frozen=True):
    """Asks for what lies idle in windows; answered at once by `GiveBack` with the same number."""

    number: int
    windows: tuple[str, ...]


class MovePlaces(_Message, frozen=True):
    """Lends a worker more places at a deployment, or has it keep so many at the most."""

    deployment: str
    more: int
    keep: int | None


class Heed(_Message, frozen=True):
    """Deployments that another worker has found to be unwell, and passes over."""

    deployments: tuple[UnwellRow, ...]


class Uncarved(_Message, frozen=True):
    """An allotment did not fit into a window above it; told before what was borrowed of it."""

    window: str
    above: str
    left_nanos: int


class Decided(_Message, frozen=True):
    """What became of a request for approval."""

    told: Told


class SpendUntil(_Message, frozen=True):
    """Until when a worker may spend what it was lent, by this machine's monotonic clock.

    It is told where nodes share a store, again and again while the store is reached.
    """

    monotonic_ns: int


class Learned(_Message, frozen=True):
    """What was learned of models, in the form of `routing.learning.state`; like `State`."""

    text: str


class AnswerControl(_Message, frozen=True):
    """What a control request is answered with."""

    number: int
    reply: ControlReply


# From the command line; the last from the supervisor.


class Freeze(_Message, frozen=True):
    """Freezes a node, or thaws it; `by` is who says so, as with all that follow."""

    node: str
    frozen: bool
    reason: str = ""
    by: str = UNKNOWN


class CreateKey(_Message, frozen=True):
    """Keeps a key that the command line made; `until_ns` is when it ends, None for never."""

    key: str
    principal: str
    models: tuple[str, ...]
    digest: str
    root: str | None = None
    until_ns: int | None = None
    by: str = UNKNOWN


class RevokeKey(_Message, frozen=True):
    """Revokes a key made at run time."""

    key: str
    by: str = UNKNOWN


class RevokeDelegation(_Message, frozen=True):
    """Revokes a delegation, by its id, and all below it."""

    delegation: str
    by: str = UNKNOWN


class RaiseBudget(_Message, frozen=True):
    """Raises a budget's limit until an instant, without asking anybody."""

    budget: str
    by_nanos: int
    until_ns: int
    reason: str
    by: str = UNKNOWN


class AskHealth(_Message, frozen=True):
    """Asks which deployments are passed over."""


class TakeUp(_Message, frozen=True):
    """Has the steward go by a configuration that was found valid; `in_force` is its copy."""

    in_force: str


# To the command line.


class Health(_Message, frozen=True):
    """Those that any worker passes over, each at its latest time, and who waits for a place."""

    deployments: tuple[UnwellRow, ...]
    queued: tuple[QueuedRow, ...] = ()


class Done(_Message, frozen=True):
    """It is done and durable."""


class Failed(_Message, frozen=True):
    """It was not done; `reason` is for a person."""

    reason: str


Message = (
    Hello
    | Borrow
    | Carve
    | GiveBack
    | Unwell
    | Crowd
    | HasPlaces
    | WantPlaces
    | MovePlaces
    | HasTaken
    | Took
    | Heed
    | AskControl
    | AskApproval
    | UseApproval
    | LetGo
    | State
    | SpendUntil
    | Learned
    | Experience
    | Granted
    | Lent
    | Recall
    | Uncarved
    | AnswerControl
    | Decided
    | Freeze
    | CreateKey
    | RevokeKey
    | RevokeDelegation
    | RaiseBudget
    | Purge
    | Adjust
    | KeepCells
    | AskHealth
    | TakeUp
    | Health
    | Corrected
    | Done
    | Failed
)


def pack(message: Message) -> bytes:
    """Return a message as it goes over the socket."""
    payload = msgspec.json.encode(message)
    return LENGTH.pack(len(payload)) + payload
