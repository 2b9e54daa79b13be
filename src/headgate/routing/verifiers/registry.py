"""The verifiers that lie in this folder, found by their `KIND`, and what each one must offer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple, Protocol, cast

from headgate.dialects.registry import discover
from headgate.records.conversation import Call
from headgate.records.reply import Reply
from headgate.routing import verifiers as folder
from headgate.routing.cascades.worth import Rates


class Verdict(NamedTuple):
    """What a verifier says of an answer.

    Attributes:
        accepted: Whether it will do.
        reason: Why not, in a word; empty when it will.
    """

    accepted: bool
    reason: str = ""


ACCEPTED = Verdict(accepted=True)


class Verifier(Protocol):
    """What every module of a verifier offers.

    Attributes:
        KIND: Its name in configurations.
        PRIOR: How it is believed to err where nothing was seen of it.
        BLIND: So many of a chain's first answers it never accepts.
        ASKS: Whether its word is a model's, which is asked about what `verify` accepts.
    """

    KIND: str
    PRIOR: Rates
    BLIND: int
    ASKS: bool

    def verify(self, call: Call, reply: Reply, before: Sequence[Reply], /) -> Verdict:
        """Tell whether an answer will do.

        Args:
            call: What was asked.
            reply: What was answered.
            before: What the steps before answered, all of it rejected.
        """


@cache
def verifiers() -> dict[str, Verifier]:
    """Return every verifier by its kind."""
    return {kind: cast(Verifier, part) for kind, part in discover(folder).items()}


KINDS: tuple[str, ...] = ("schema", "agreement", "judge", "reported")
"""All of them, in the order by whose numbers decisions name them: a new one comes last."""
