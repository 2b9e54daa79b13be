"""The steward's part of what callers may take a minute: each worker hears what the others took."""

from collections.abc import Callable, Collection

from headgate.capacity.minutes import MinuteBook
from headgate.node.messages import HasTaken, Message, Took
from headgate.node.rules import Rules

MinuteMessage = HasTaken | Took


class MinuteSharing:
    """Passes on what workers took, and remembers it for those that come later.

    Args:
        rules: The configuration as it is now.
        connected: The workers that can be told, by the names of their journals.
        tell: Sends a message to one of them.
        now_ns: The clock.
    """

    def __init__(
        self,
        rules: Rules,
        connected: Collection[str],
        tell: Callable[[str, Message], None],
        now_ns: Callable[[], int],
    ) -> None:
        self._rules = rules
        self._snapshot = rules.snapshot
        self._connected = connected
        self._tell = tell
        self._now_ns = now_ns
        self._book = MinuteBook(rules.snapshot.per_minute())

    def hear(self, message: MinuteMessage, journal: str) -> None:
        """Take in what a worker took, or what is lacking as it was told by another steward."""
        now_ns = self._now_ns()
        if self._rules.snapshot is not self._snapshot:
            # Reloaded: what was taken stays taken.
            self._snapshot = self._rules.snapshot
            self._book.adopt(self._snapshot.per_minute(), now_ns)
        if isinstance(message, Took):
            self._book.hear(message.news, now_ns)
            for each in self._connected:
                if each != journal:
                    self._tell(each, message)
            return
        self._book.take_up(message.lacking, now_ns)
        # The others too: it may know of what they were not told before the last steward went.
        lacking = HasTaken(self._book.lacking(now_ns))
        for each in self._connected:
            self._tell(each, lacking)
