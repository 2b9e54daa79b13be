"""Batches: many requests handed to a provider at once, answered within a day, at batch rates."""

from typing import Final, Literal

from msgspec import Struct

Stage = Literal["opened", "sending", "sent", "settled"]
"""`opened`: held, and at most a file of it is at the provider; `sending`: the provider may have
made it; `sent`: it has, and has named it; `settled`: its lines are in the books."""

Result = Literal["succeeded", "errored", "canceled", "expired"]

LINES_MAX: Final = 10_000
LINES_BYTES_MAX: Final = 32 << 20
"""What all lines of a batch have together, and so a file of them."""

CUSTOM_ID_MAX: Final = 64

FILES_KEPT_S_MIN: Final = 3_600
FILES_KEPT_S_MAX: Final = 30 * 86_400
FILES_KEPT_NS: Final = FILES_KEPT_S_MAX * 1_000_000_000
"""Files are deleted when they are so old, at the latest; sooner where their clients say so."""


class BatchLine(Struct, frozen=True, gc=False):
    """One request of a batch, with what it is held at.

    Attributes:
        number: Its place in the batch, from 1.
        custom_id: What its client calls it.
        hold_nanos: The most it can cost at batch rates.
        input_tokens_max: Bound of its prompt.
        output_tokens_max: Output limit that is sent, per choice.
        region: The terms it asks for; see `Terms`, as for `cache_retention`.
    """

    number: int
    custom_id: str
    asked: str
    deployment: str
    dialect: str
    hold_nanos: int
    input_tokens_max: int
    output_tokens_max: int
    choices: int = 1
    region: str = "global"
    cache_retention: str = "default"


class Counts(Struct, frozen=True, gc=False):
    """How the lines of a batch ended; of one that runs, as far as its provider says."""

    succeeded: int = 0
    errored: int = 0
    canceled: int = 0
    expired: int = 0


class Batch(Struct, frozen=True, kw_only=True):
    """A batch as it is kept.

    Attributes:
        id: What clients know it by.
        wire: Whose format it is in, a `KIND` of `dialects/batches/`.
        carrier: How it is handed over, a `KIND` of `dialects/batches/carriers/`; empty in what
            was kept when each wire had one, which is called like it.
        node: The node that has its lines and asks its provider; empty where there is one.
        call: What the ids of its lines' calls begin with.
        principal: Whose it is; nobody else knows of it.
        window: Its allotment; `parents` are the windows that was carved from.
        above: The windows that one of its parents was carved from, and those from theirs.
        waived: Shadow windows that it did not fit into.
        terms: Nodes that have contracts, of the caller.
        provider: Id of the configured provider it is at.
        endpoint: The path that each line would be posted to.
        input_file: The file it was made from, None where the lines came with the request.
        metadata: What its client says of it, as JSON.
        lines: How many.
        hold_nanos: The sum of their holds.
        stage: How far it is.
        upstream: What its provider knows it by, None before it is known.
        upstream_files: Files it has there, which are deleted when it is settled.
        sending_ns: When something of it was first sent, None before.
        cancel_ns: When its client cancelled it, None when it did not.
        told_cancel: Whether its provider was told of that.
        ended_ns: When it was settled.
        ending: The word of its own wire for how it ended; empty before.
        error: Why its provider refused it, None when it did not.
        posted_nanos: What its lines cost.
        output_file: The file of answers; `error_file` that of failures where the wire has two.
        output_kept_ns: For how long both are kept.
    """

    id: str
    wire: str
    node: str
    call: str
    principal: str
    team: str
    key: str
    run: str | None
    tags: tuple[str, ...]
    window: str
    parents: tuple[str, ...]
    waived: tuple[str, ...]
    terms: tuple[str, ...]
    provider: str
    endpoint: str
    input_file: str | None
    metadata: str
    lines: int
    hold_nanos: int
    created_ns: int
    stage: Stage = "opened"
    upstream: str | None = None
    upstream_files: tuple[str, ...] = ()
    sending_ns: int | None = None
    cancel_ns: int | None = None
    told_cancel: bool = False
    ended_ns: int | None = None
    ending: str = ""
    error: str | None = None
    counts: Counts = Counts()
    posted_nanos: int = 0
    output_file: str | None = None
    error_file: str | None = None
    above: tuple[str, ...] = ()
    carrier: str = ""
    output_kept_ns: int = FILES_KEPT_NS


class StoredFile(Struct, frozen=True, kw_only=True):
    """A file as it is kept; its bytes lie in the data directory of its node.

    Attributes:
        size: Its bytes.
        purpose: `batch` for what a client sent, `batch_output` for what came of it.
        kept_ns: For how long it is kept; then it is deleted, and nobody gets it before that.
    """

    id: str
    node: str
    principal: str
    filename: str
    purpose: str
    size: int
    created_ns: int
    kept_ns: int = FILES_KEPT_NS

    @property
    def expires_ns(self) -> int:
        """The instant at which it is gone."""
        return self.created_ns + self.kept_ns
