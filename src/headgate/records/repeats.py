"""What a worker and its steward say of calls that carry an idempotency key.

They travel as the bodies of control requests to the resource `repeats`, which no client reaches.
"""

from msgspec import Struct


class Claim(Struct, frozen=True):
    """A call asks to be the one that is executed under its key; durable before it is answered.

    Attributes:
        owner: Whose key it is: the principal, and behind slashes the agents it delegated to.
        key: What the client sent.
        fingerprint: Digest of what the call asks for, hexadecimal.
        journal: Name of the journal that the call's attempts will stand in.
        again: Whether the client accepts that an outcome nobody knows may be paid for twice.
    """

    owner: str
    key: str
    fingerprint: str
    call: str
    journal: str
    again: bool = False


class Kept(Struct, frozen=True):
    """A reply as it is kept: everything a client needs to read it again.

    Attributes:
        content_type: As the first client was told it.
        lines: The other header lines, each with its line end, as Latin-1 text; no framing.
        body: The whole body without its framing; of a stream all of its events.
    """

    status: int
    content_type: str
    lines: str
    body: bytes


class Over(Struct, frozen=True):
    """A call that had its key is over.

    Attributes:
        sent: Whether money was ever held for it; if not, its key is free again.
        whole: Whether its client was given a whole reply.
        kept: That reply, None when it is not to be kept, too large, or was not whole.
    """

    owner: str
    key: str
    call: str
    sent: bool
    whole: bool
    kept: Kept | None = None


class Verdict(Struct, frozen=True):
    """What a claim is answered with.

    Attributes:
        ruling: One of `headgate.ledger.repeats.Ruling`, by its value.
        call: The call that has the key.
        posted_nanos: What that call was posted at, where the ruling depends on it.
        since_s: For how many seconds it has had the key.
        kept: Its reply, where it is to be given again.
    """

    ruling: str
    call: str
    posted_nanos: int = 0
    since_s: int = 0
    kept: Kept | None = None
