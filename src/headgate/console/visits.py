"""What the console remembers of its visitors for as long as the steward runs."""

from dataclasses import dataclass, field

from headgate.console.ended import Ended
from headgate.console.throttle import Throttle


@dataclass(frozen=True, slots=True)
class Visits:
    """Outlives the configurations that consoles are made for.

    Attributes:
        secret: What sessions are signed with; no other process knows it, so none of them outlives
            the process, and what was signed out stays out.
        ended: Sessions that were signed out.
        strangers: Wrong tokens by address.
        known: Wrong tokens by browser, of those that were signed in before.
    """

    secret: bytes = field(repr=False)
    ended: Ended
    strangers: Throttle
    known: Throttle


def new_visits(secret: bytes) -> Visits:
    """Return what is remembered at first: nobody; the secret is 32 bytes nobody can guess."""
    return Visits(secret, Ended(), Throttle(secret), Throttle(secret))
