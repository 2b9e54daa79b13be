"""When a worker tells what it has learned: about once a second, while the steward listens."""

from headgate.gateway.notebook import Notebook
from headgate.node.link import StewardLink

TELL_MS = 1_000


class Imparting:
    """Tells the steward what stands in a worker's notebook."""

    def __init__(self, notebook: Notebook, link: StewardLink) -> None:
        self._notebook = notebook
        self._link = link
        self._told_ms = 0

    def sweep(self, now_ms: int) -> None:
        """Tell it, if it is time and what was told before is heard."""
        if now_ms - self._told_ms >= TELL_MS:
            self._told_ms = now_ms
            self.tell()

    def tell(self) -> None:
        """Tell it now; while nobody listens it stays in the notebook, which is bounded."""
        if self._link.has_room:
            for news in self._notebook.take():
                self._link.say_experience(news)
