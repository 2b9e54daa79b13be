"""Sessions as workers tell each other of them: of each, what the last one knew who served it.

Of two words on a session the one on the later call stands. Keys are hashes that all workers of a
node make alike (see `headgate.node.hashing`); no text of a conversation is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from headgate.ledger.outputs import CALLS_MAX
from headgate.routing.sessions.memory import Key, Memory, Session

if TYPE_CHECKING:
    from collections.abc import Container

    from headgate.experience.rows import Key as Named
    from headgate.experience.rows import Value
    from headgate.gateway.learning.notebook import Notebook

SESSION, REPLY, TOOLED = "session", "reply", "tooled"
CALLS, NANOS = "task.calls", "task.nanos"
"""What is told, in the notebook: sessions, whose a reply is, whose work offers tools; what tasks
took."""

REPLY_CHARS_MAX: Final = 128
"""A provider's id of a reply that is longer is not told."""


class SessionNews:
    """Tells of the sessions in a memory, and puts into it what others tell.

    Args:
        memory: This worker's.
        notebook: Tells the other workers, and hears from them.
        deployments: Those that there are: one that is configured no more serves no session.
    """

    def __init__(self, memory: Memory, notebook: Notebook, deployments: Container[str]) -> None:
        self._memory = memory
        self._deployments = deployments
        self._notebook = notebook
        notebook.latest(SESSION, self._hear_session)
        notebook.latest(REPLY, self._hear_reply)
        notebook.latest(TOOLED, self._hear_tooled)
        notebook.counts(CALLS, self._hear_tasks, CALLS_MAX)
        notebook.counts(NANOS, self._hear_tasks, CALLS_MAX)

    def served(self, key: Key, session: Session) -> None:
        """A session's call was served."""
        self._notebook.note((SESSION, key[0], str(key[1])), session.at_ns, session.told())

    def replied(self, reply: str, key: Key, at_ns: int) -> None:
        """A reply was made that a session may go on from, or that may be judged."""
        if len(reply) <= REPLY_CHARS_MAX:
            self._notebook.note((REPLY, reply), at_ns, key)

    def saw_tools(self, circle: Key, at_ns: int) -> None:
        """A client's work offers tools."""
        self._notebook.note((TOOLED, circle[0], str(circle[1])), at_ns, ())

    def ended(self, alias: str, session: Session, took: tuple[int, int]) -> None:
        """A task has ended that one deployment has served: with so many calls, for so much."""
        assert session.serving is not None
        calls, nanos = took
        self._notebook.count((CALLS, alias, session.serving), calls)
        self._notebook.count((NANOS, alias, session.serving), nanos)

    def _hear_session(self, key: Named, at_ns: int, value: Value) -> None:
        own, (home, serving, *_) = (key[1], int(key[2])), value
        if home not in self._deployments or serving not in self._deployments:
            return
        session = self._memory.get(own) or Session()
        if at_ns > session.at_ns and session.take(value):
            # In place, for calls that run may look at it.
            session.at_ns = at_ns
            self._memory.keep(own, session)

    def _hear_reply(self, key: Named, _at_ns: int, value: Value) -> None:
        who, digest = value
        if isinstance(who, str) and isinstance(digest, int):
            self._memory.replied(key[1], (who, digest))

    def _hear_tooled(self, key: Named, _at_ns: int, _value: Value) -> None:
        self._memory.saw_tools((key[1], int(key[2])))

    def _hear_tasks(self, key: Named, counts: dict[int, int], whole: bool) -> None:
        lane = self._memory.lane(key[1], key[2])
        known = lane.calls if key[0] == CALLS else lane.nanos
        if whole:
            known.join(counts)
        else:
            known.add(counts)
