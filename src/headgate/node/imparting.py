"""When a worker tells what it has learned: about once a second, or at once where that matters."""

from collections.abc import Callable

from headgate.gateway.learning.notebook import Notebook
from headgate.node.link import StewardLink

TELL_MS = 1_000


class Imparting:
    """Tells the steward what stands in a worker's notebook.

    Args:
        notebook: The worker's.
        link: To the steward.
        call_soon: The event loop's: what hurries in a turn of it is told once, at its end.
    """

    def __init__(
        self,
        notebook: Notebook,
        link: StewardLink,
        call_soon: Callable[[Callable[[], None]], object],
    ) -> None:
        self._notebook = notebook
        self._link = link
        self._call_soon = call_soon
        self._told_ms = 0
        self._hurries = False
        notebook.on_hurry = self._hurry

    def _hurry(self) -> None:
        if not self._hurries:
            self._hurries = True
            self._call_soon(self.tell)

    def sweep(self, now_ms: int) -> None:
        """Tell it, if it is time."""
        if self._hurries or now_ms - self._told_ms >= TELL_MS:
            self._told_ms = now_ms
            self.tell()

    def tell(self) -> None:
        """Tell it now; while nobody listens it stays in the notebook, which is bounded."""
        if impart(self._notebook, self._link):
            self._hurries = False


def impart(notebook: Notebook, link: StewardLink) -> bool:
    """Tell the steward all news; False while it does not listen."""
    if not link.has_room:
        return False
    for news in notebook.take():
        link.say_experience(news)
    return True
