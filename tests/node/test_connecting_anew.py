"""A worker that connects anew is told what it has: what it said before, and is unread, is void."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from headgate.node.messages import (
    Borrow,
    Carve,
    Granted,
    Hello,
    Lent,
    Message,
    Recall,
    pack,
)
from headgate.node.paths import journal_root, socket_path
from headgate.node.rows import AllotmentRow, GrantRow, NeedRow
from headgate.node.unpacking import Unpacker
from headgate.store.journal_writer import JournalWriter
from tests.node.harness import once, running_node

M = TypeVar("M")
ABOVE = "organisation@once"
LIMIT = 10**9
LENT = GrantRow(100, 0)


class Line(socket.socket):
    """A connection to the steward, as a worker has one."""

    def __init__(self, data_dir: Path) -> None:
        super().__init__(socket.AF_UNIX)
        self.settimeout(30)
        self.connect(str(socket_path(data_dir)))
        self._unpacker, self._heard = Unpacker(), list[Message]()

    def say(self, *messages: Message) -> None:
        """Send messages in one piece."""
        self.sendall(b"".join(map(pack, messages)))

    def hear(self, kind: type[M]) -> M:
        """Return the next message of a kind; those of others before it are passed over."""
        while True:
            while self._heard:
                message = self._heard.pop(0)
                if isinstance(message, kind):
                    return message
            data = self.recv(65_536)
            assert data, "the steward hung up"
            self._heard += self._unpacker.feed(data)


@contextmanager
def journal(data_dir: Path, name: str) -> Iterator[Hello]:
    """Keep a journal as a worker does, so that it is taken for one that lives."""
    writer = JournalWriter(journal_root(data_dir) / name, worker=name, epoch=name, at_ns=1)
    yield Hello(name, name, 1)
    writer.close(2)


def test_what_is_unread_when_a_worker_connects_anew_gives_nothing_back(tmp_path: Path) -> None:
    """Else it had less than it was told, and could hold money that others are lent as well."""
    below = AllotmentRow("run/r@once", LIMIT - 1_000, (ABOVE,), "", (), "run:alice/r", None)
    with (
        running_node(tmp_path, budgets=[once("organisation", "1")]) as node,
        journal(node.data_dir, "one-1") as one,
        journal(node.data_dir, "other-1") as other,
        Line(node.data_dir) as idle,
        Line(node.data_dir) as before,
        Line(node.data_dir) as after,
        Line(node.data_dir) as again,
    ):
        idle.say(other, Borrow((), {ABOVE: LIMIT // 10}, {}, {}, 0))
        assert ABOVE in idle.hear(Lent).granted
        before.say(one, Borrow((NeedRow(1, (ABOVE,), 100, False),), {}, {}, {}, 0))
        assert before.hear(Lent).granted == {ABOVE: LENT}

        # The steward reads both at once, and asks the other worker between them.
        before.say(Carve((below,)), Borrow((), {}, {ABOVE: 100}, {}, 1))
        idle.hear(Recall)
        after.say(one)
        told = after.hear(Granted)
        before.shutdown(socket.SHUT_WR)
        while before.recv(65_536):
            pass
        again.say(one)

        assert again.hear(Granted) == told == Granted({ABOVE: LENT})
