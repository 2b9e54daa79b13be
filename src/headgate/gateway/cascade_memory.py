"""What is remembered of a policy's cascades: how its verifier does, and how those it judges do.

All of it is this worker's own, in bounded memory, and begins anew with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from headgate.routing.cascades.beliefs import KEPT_MAX, Verdicts
from headgate.routing.policies.cascade import ACCEPTED, CHECK, REJECTED, VERDICTS

if TYPE_CHECKING:
    from collections.abc import Mapping

SHOWN_PARTS = 8
"""Decisions go by new counts when there are an eighth more of them: calls in between share one."""

CHECK_PARTS = 8
"""A judge's latest cost counts for so much of what the next is expected to cost."""


class Judged(NamedTuple):
    """A step that was verified.

    Attributes:
        deployment: Who answered.
        said: A digest of what it said; empty where answers in words are too long to be compared.
        accepted: Whether the verifier let it pass.
    """

    deployment: str
    said: bytes
    accepted: bool


class CascadeMemory:
    """What is known of one policy's cascades."""

    __slots__ = ("_check_nanos", "_counts", "_seen", "_shown", "_shown_at", "_verdicts")

    def __init__(self) -> None:
        self._verdicts = Verdicts()
        self._counts: dict[str, tuple[int, int]] = {}
        self._check_nanos = 0
        self._seen = 0
        self._shown_at = -1
        self._shown: Mapping[str, int] = {}

    def inputs(self) -> Mapping[str, int]:
        """Return the counts as decisions go by them."""
        if self._seen > self._shown_at + max(0, self._shown_at) // SHOWN_PARTS:
            self._shown_at = self._seen
            self._shown = self._all()
        return self._shown

    def _all(self) -> Mapping[str, int]:
        found = dict(zip(VERDICTS, self._verdicts, strict=True))
        for name, (accepted, rejected) in self._counts.items():
            found[ACCEPTED + name] = accepted
            found[REJECTED + name] = rejected
        found[CHECK] = self._check_nanos
        return {name: count for name, count in found.items() if count}

    def judged(self, deployment: str, *, accepted: bool) -> None:
        """Count what the verifier said of an answer."""
        good, bad = self._counts.get(deployment, (0, 0))
        if good + bad >= KEPT_MAX:
            good, bad = good // 2, bad // 2
        self._counts[deployment] = (good + accepted, bad + (not accepted))
        self._seen += 1

    def checked(self, nanos: int) -> None:
        """Learn what a judge cost."""
        before = self._check_nanos
        self._check_nanos = nanos if not before else before + (nanos - before) // CHECK_PARTS

    def told(self, steps: tuple[Judged, ...], served: bytes, *, good: bool) -> None:
        """Learn of the verifier from how a call went in the end.

        What was accepted was served, so it is as good as the call. What was rejected is when it
        said the same as what was served, and bad when that was good and said something else.

        Args:
            steps: What was verified.
            served: The digest of what the client got; empty when it cannot be compared.
            good: Whether the client says that it was good.
        """
        for step in steps:
            if step.accepted:
                truth = good
            elif not step.said or not served:
                continue
            elif step.said == served:
                truth = good
            elif good:
                truth = False
            else:
                continue
            self._verdicts = self._verdicts.told(accepted=step.accepted, good=truth)
            self._seen += 1
