"""Who had a response made that a provider keeps, as workers ask the steward."""

from msgspec import Struct


class Maker(Struct, frozen=True):
    """For whom a response was made, and where.

    Attributes:
        principal: Whose call it was.
        chain: The delegations down to who made the call, empty for the key itself.
        deployment: Which deployment made it.
    """

    principal: str
    chain: tuple[str, ...]
    deployment: str

    def is_of(self, principal: str, chain: tuple[str, ...]) -> bool:
        """Tell whether it is somebody's: its own, or of whom it has delegated to.

        Args:
            principal: Who asks.
            chain: The delegations down to who asks.
        """
        return self.principal == principal and self.chain[: len(chain)] == chain
