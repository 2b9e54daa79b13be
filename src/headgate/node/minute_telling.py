"""A worker's part of what callers may take a minute: it tells what it took, and hears of others."""

from collections.abc import Callable

from headgate.capacity.minutes import MinuteBook
from headgate.node.messages import HasTaken, Took


class MinuteTelling:
    """Tells the steward what is taken here, and counts what is taken at other workers.

    Nothing is told to a steward before it has told what is lacking as it knows it, so that this is
    without what it is told then.

    Args:
        book: The limits, and what was taken of them.
        say: Sends a message to the steward; False while there is none.
        call_soon: The event loop's: what is taken in one turn of it is told at once.
        now_ns: The clock.
    """

    def __init__(
        self,
        book: MinuteBook,
        say: Callable[[HasTaken | Took], bool],
        call_soon: Callable[[Callable[[], None]], object],
        now_ns: Callable[[], int],
    ) -> None:
        self._book = book
        self._say = say
        self._call_soon = call_soon
        self._now_ns = now_ns
        self._answered = self._hurries = False
        book.hurry = self._hurry

    def met(self) -> None:
        """Tell a steward, which may know nothing yet, what is lacking as the last one knew it."""
        self._answered = False
        self._say(HasTaken(self._book.lacking(self._now_ns())))

    def lost(self) -> None:
        """There is no steward: what is taken now is told to the next one."""
        self._answered = False

    def hear(self, message: HasTaken | Took) -> None:
        """Count what was taken elsewhere."""
        if isinstance(message, Took):
            self._book.hear(message.news, self._now_ns())
        else:
            self._answered = True
            self._book.take_up(message.lacking, self._now_ns())

    def sweep(self) -> None:
        """Tell what was taken since the steward was last told."""
        self._hurries = False
        news = self._book.news() if self._answered else ()
        if news and self._say(Took(news)):
            self._book.told()

    def _hurry(self) -> None:
        if self._answered and not self._hurries:
            self._hurries = True
            self._call_soon(self.sweep)
