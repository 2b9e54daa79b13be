"""What the configuration says of webhooks."""

from typing import NamedTuple

EVERYTHING = "*"


class Webhook(NamedTuple):
    """Somebody who is told of changes.

    Attributes:
        url: Where it is posted to.
        secret: What each message is signed with.
        actions: Beginnings of the actions it is told of; `*` for all.
    """

    id: str
    url: str
    secret: str
    actions: tuple[str, ...] = (EVERYTHING,)

    def __repr__(self) -> str:
        return f"Webhook(id={self.id!r}, url={self.url!r}, actions={self.actions!r})"

    def wants(self, action: str) -> bool:
        """Tell whether it is told of an action."""
        return any(each == EVERYTHING or action.startswith(each) for each in self.actions)
