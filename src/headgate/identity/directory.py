"""The directory: from what a client sends to who it is; pure."""

from collections.abc import Iterable
from typing import NamedTuple

from headgate.identity.keys import digest
from headgate.identity.settings import ANY_MODEL


class Credential(NamedTuple):
    """A key that was found valid, and who stands behind it.

    Attributes:
        models: Aliases and deployments it may ask for, None for all.
    """

    key: str
    principal: str
    team: str
    models: frozenset[str] | None

    def may_use(self, model: str) -> bool:
        """Tell whether the key may ask for an alias or deployment."""
        return self.models is None or model in self.models


MET_MAX = 4_096


class Directory:
    """Credentials by digest.

    Keys that were found are remembered as they were sent, up to a bound, so that the digest is
    made once and not for every call; any change of the directory forgets them all.
    """

    def __init__(self, pepper: bytes) -> None:
        self._pepper = pepper
        self._by_digest: dict[bytes, Credential] = {}
        self._met: dict[bytes, Credential] = {}

    def add(self, key: bytes, credential: Credential) -> None:
        """Make a key known, given as the client sends it."""
        self.add_digest(digest(self._pepper, key), credential)

    def add_digest(self, key_digest: bytes, credential: Credential) -> None:
        """Make a key known by its digest."""
        self._by_digest[key_digest] = credential
        self._met.clear()

    def remove_digest(self, key_digest: bytes) -> None:
        """Forget a key; unknown ones are no matter."""
        self._by_digest.pop(key_digest, None)
        self._met.clear()

    def find(self, key: bytes) -> Credential | None:
        """Return who sends this key, None when nobody does."""
        known = self._met.get(key)
        if known is None:
            known = self._by_digest.get(digest(self._pepper, key))
            if known is not None:
                if len(self._met) >= MET_MAX:
                    self._met.clear()
                self._met[key] = known
        return known


def model_set(models: Iterable[str]) -> frozenset[str] | None:
    """Return the models a key may ask for as a set, None for all."""
    named = frozenset(models)
    return None if ANY_MODEL in named else named
