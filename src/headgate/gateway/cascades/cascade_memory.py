"""What is remembered of a policy's cascades: how its verifier does, and how those it judges do.

Workers share it: each tells the others what it counts, and counts what they tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from headgate.routing.cascades.beliefs import KEPT_MAX, Verdicts
from headgate.routing.policies.cascade import ACCEPTED, CHECK, REJECTED, VERDICTS
from headgate.units.counts import Counts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from headgate.experience.rows import Key, Value
    from headgate.gateway.learning.notebook import Notebook

TOLD, JUDGED, CHECKED = "verdicts", "judged", "checked"
"""What is learned, in the notebook: how the verifier did, what it said of whom, what it cost."""

SHOWN_PARTS: Final = 8
"""Decisions go by new counts when there are an eighth more of them: calls in between share one."""

CHECK_PARTS: Final = 8
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
    """What is known of one policy's cascades.

    Args:
        name: What it is called in the notebook: the policy and its verifier.
        notebook: Tells the other workers.
    """

    __slots__ = (
        *("_check_nanos", "_counts", "_name", "_notebook"),
        *("_seen", "_shown", "_shown_at", "_verdicts"),
    )

    def __init__(self, name: Key, notebook: Notebook) -> None:
        self._name = name
        self._notebook = notebook
        self._verdicts = Counts(KEPT_MAX)
        self._counts: dict[str, Counts] = {}
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
        verdicts = self._verdicts.numbers
        found = {name: verdicts.get(number, 0) for number, name in enumerate(VERDICTS)}
        for name, counts in self._counts.items():
            found[ACCEPTED + name] = counts.numbers.get(1, 0)
            found[REJECTED + name] = counts.numbers.get(0, 0)
        found[CHECK] = self._check_nanos
        return {name: count for name, count in found.items() if count}

    def judged(self, deployment: str, *, accepted: bool) -> None:
        """Count what the verifier said of an answer."""
        self._counts_of(deployment).add({int(accepted): 1})
        self._notebook.count((JUDGED, *self._name, deployment), int(accepted))
        self._seen += 1

    def _counts_of(self, deployment: str) -> Counts:
        counts = self._counts.get(deployment)
        if counts is None:
            counts = self._counts[deployment] = Counts(KEPT_MAX)
        return counts

    def checked(self, nanos: int, at_ns: int) -> None:
        """Learn what a judge cost."""
        before = self._check_nanos
        self._check_nanos = nanos if not before else before + (nanos - before) // CHECK_PARTS
        self._notebook.note((CHECKED, *self._name), at_ns, (self._check_nanos,))

    def hear(self, key: Key, counts: dict[int, int], whole: bool) -> None:
        """Count what other workers have seen of verdicts, or of what the verifier said."""
        kept = self._verdicts if key[0] == TOLD else self._counts_of(key[-1])
        if whole:
            kept.join(counts)
        else:
            kept.add(counts)
        self._seen += sum(counts.values())

    def hear_checked(self, value: Value) -> None:
        """Go by what a judge cost other workers lately."""
        (nanos,) = value
        if isinstance(nanos, int):
            self._check_nanos = nanos

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
            number = Verdicts().told(accepted=step.accepted, good=truth).index(1)
            self._verdicts.add({number: 1})
            self._notebook.count((TOLD, *self._name), number)
            self._seen += 1
