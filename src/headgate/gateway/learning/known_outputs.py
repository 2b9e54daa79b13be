"""How much output calls of each kind took, as this worker and the others have seen it; bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headgate.ledger.outputs import CALLS_MAX, Outputs

if TYPE_CHECKING:
    from headgate.experience.rows import Key
    from headgate.gateway.learning.notebook import Notebook

KINDS_MAX: Final = 4_096
"""So many kinds of calls are remembered; then the one that was met first is forgotten."""


class KnownOutputs:
    """Outputs by kind of call; a kind's key begins with the part that they are of.

    Args:
        part: Whose they are, in the notebook.
        notebook: Tells the other workers, and hears from them.
    """

    def __init__(self, part: str, notebook: Notebook) -> None:
        self._notebook = notebook
        self._kinds: dict[Key, Outputs] = {}
        notebook.counts(part, self._hear, CALLS_MAX)

    def find(self, key: Key) -> Outputs | None:
        """Return what is known of a kind, None when nothing is."""
        return self._kinds.get(key)

    def of(self, key: Key) -> Outputs:
        """Return what is known of a kind, to learn more."""
        outputs = self._kinds.get(key)
        if outputs is None:
            if len(self._kinds) >= KINDS_MAX:
                del self._kinds[next(iter(self._kinds))]
            outputs = self._kinds[key] = Outputs()
        return outputs

    def learn(self, key: Key, output_tokens: int) -> None:
        """Count a call."""
        self._notebook.count(key, self.of(key).learn(output_tokens))

    def _hear(self, key: Key, counts: dict[int, int], whole: bool) -> None:
        outputs = self.of(key)
        if whole:
            outputs.join(counts)
        else:
            outputs.add(counts)
