"""Approvals: what a person is shown and asked about, and what is said between worker and steward.

What was decided binds to the digest of all that was shown: who approved one thing has not
approved another.
"""

import hashlib
from typing import Final, Literal, Protocol

import msgspec
from msgspec import Struct

Status = Literal["pending", "approved", "denied", "expired", "withdrawn", "used"]
PROMPT_CHARS_MAX: Final = 4_000


class Shown(Struct, frozen=True):
    """All that an approver is shown of a call.

    Attributes:
        chain: The delegations the call is made through, from the key's own child down.
        rule: The rule that asks.
        model: What the client asks for.
        quote_nanos: What would be held for it; None when no price is known.
        data_class: The class of data that it carries, None for none.
        output_tokens_max: The client's own limit, None when it gives none.
        tools: Names of the tools it offers.
        body_sha256: Of the whole body, hexadecimal.
        prompt: The beginning of the body, where the rule shows it.
    """

    principal: str
    team: str
    key: str
    chain: tuple[str, ...]
    run: str | None
    rule: str
    model: str
    quote_nanos: int | None
    data_class: str | None
    stream: bool
    output_tokens_max: int | None
    tools: tuple[str, ...]
    body_bytes: int
    body_sha256: str
    prompt: str | None = None


class ShownRaise(Struct, frozen=True):
    """All that an approver is shown of a raise.

    Attributes:
        rule: The rule by which it may be asked for.
        node: What the budget limits.
        limit_nanos: The budget's limit without any raise.
        until_ns: When the raise ends.
        why: What the requester says.
    """

    principal: str
    team: str
    key: str
    rule: str
    budget: str
    node: str
    limit_nanos: int
    by_nanos: int
    until_ns: int
    why: str


def digest_of(shown: Struct) -> str:
    """Return the SHA-256, hexadecimal, of the JSON array of all that is shown, in its order."""
    return hashlib.sha256(msgspec.json.encode(msgspec.structs.astuple(shown))).hexdigest()


class Asking(Struct, frozen=True):
    """A request for approval, as a worker makes it.

    Attributes:
        approval: Its id.
        call: The call that waits.
        expires_minutes: How long there is to decide.
    """

    approval: str
    call: str
    expires_minutes: int
    shown: Shown


class Told(Struct, frozen=True):
    """What the steward says of a request.

    Attributes:
        call: Whom it is told; empty for every call that waits for it.
        quote_nanos: What was shown, and so may be held.
        digest: Of what was shown; empty with a refusal.
        code: Why the call may not go on, None when it may, or has to wait.
        message: The refusal's sentence.
    """

    approval: str
    call: str
    status: Status
    quote_nanos: int | None = None
    digest: str = ""
    expires_ns: int = 0
    code: str | None = None
    message: str = ""


class Clerk(Protocol):
    """Whoever gets a worker's requests to the steward; each tells whether that is possible now.

    Asking and using may be repeated: the answer is the same.
    """

    def ask_approval(self, asking: Asking) -> bool:
        """Make a request; it is withdrawn when this worker ends before it lets go of it."""

    def use_approval(self, asking: Asking) -> bool:
        """Use up a request that was approved, for a call that is as it was shown."""

    def let_go(self, approval: str, *, withdrawn: bool) -> bool:
        """Wait no longer: withdraw a request, or leave it to be decided without its call."""


class Nobody:
    """A clerk where there is nobody to ask."""

    def ask_approval(self, _asking: Asking) -> bool:
        """Nobody is asked."""
        return False

    def use_approval(self, _asking: Asking) -> bool:
        """Nobody has approved anything."""
        return False

    def let_go(self, _approval: str, *, withdrawn: bool) -> bool:  # noqa: ARG002 - a clerk's way
        """Nobody waits."""
        return True
