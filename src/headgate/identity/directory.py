"""The directory: from what a client sends to who it is; pure."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from headgate.identity.delegation import PREFIX, TOKEN_BYTES_MAX, split, verify
from headgate.identity.grant import Delegation, Grant
from headgate.identity.keys import digest
from headgate.identity.settings import ANY_MODEL
from headgate.units import errors
from headgate.units.errors import Refusal
from headgate.units.instants import earliest, to_iso


class Credential(NamedTuple):
    """A key, or a token that descends from one, that was found valid, and who stands behind it.

    Attributes:
        models: Aliases and deployments it may ask for, None for all.
        delegation: The chain from the key down to who sends it, None for the key itself.
        until_ns: When it ends, None for never; a delegation no later than its key.
        limited: Whether anything limits what it may take a minute.
    """

    key: str
    principal: str
    team: str
    models: frozenset[str] | None
    delegation: Delegation | None = None
    until_ns: int | None = None
    limited: bool = False

    def ended(self, now_ns: int) -> bool:
        """Tell whether its time is over."""
        return self.until_ns is not None and self.until_ns <= now_ns

    def may_use(self, model: str) -> bool:
        """Tell whether the key may ask for an alias or deployment."""
        return self.models is None or model in self.models


MET_MAX: Final = 4_096


class Directory:
    """Credentials by digest, and the roots that delegations are signed with by key id.

    Keys and tokens that were found are remembered as they were sent, up to a bound, so that the
    digest is made and the chain verified once and not for every call. Any change of the keys
    forgets them all, a revocation those it is about.
    """

    def __init__(self, pepper: bytes) -> None:
        self._pepper = pepper
        self._by_digest: dict[bytes, Credential] = {}
        self._parents: dict[str, tuple[Credential, bytes | None]] = {}
        self._revoked: frozenset[str] = frozenset()
        self._met: dict[bytes, Credential] = {}

    def add(self, key: bytes, credential: Credential, root: bytes | None = None) -> None:
        """Make a key known, given as the client sends it."""
        self.add_digest(digest(self._pepper, key), credential, root)

    def add_digest(
        self, key_digest: bytes, credential: Credential, root: bytes | None = None
    ) -> None:
        """Make a key known by its digest.

        Args:
            key_digest: The keyed hash.
            credential: Who sends it.
            root: What its delegations are verified with, None when it makes none.
        """
        parent = (credential, root)
        if self._by_digest.get(key_digest) == credential and self._is_parent(parent):
            # Told again with every change of another: what was met is still right.
            return
        self._by_digest[key_digest] = credential
        self._parents[credential.key] = parent
        self._met.clear()

    def _is_parent(self, parent: tuple[Credential, bytes | None]) -> bool:
        return self._parents.get(parent[0].key) == parent

    def remove_digest(self, key_digest: bytes) -> None:
        """Forget a key, and so all that descends from it; unknown ones are no matter."""
        credential = self._by_digest.pop(key_digest, None)
        if credential is not None:
            self._parents.pop(credential.key, None)
        self._met.clear()

    def revoke(self, delegations: frozenset[str]) -> None:
        """Refuse these delegations, by their ids, and all below them, from now on."""
        if delegations == self._revoked:
            return
        self._revoked = delegations
        self._met = {
            key: met
            for key, met in self._met.items()
            if met.delegation is None or delegations.isdisjoint(met.delegation.ids)
        }

    def find(self, key: bytes) -> Credential | None:
        """Return who sends this key or token, None when nobody does.

        It is found whether or not its time is over: the caller has the clock.
        """
        known = self._met.get(key)
        if known is None:
            known = self._by_digest.get(digest(self._pepper, key))
            if known is None and key.startswith(PREFIX):
                found = self._verified(key)
                known = found if isinstance(found, Credential) else None
            if known is not None:
                if len(self._met) >= MET_MAX:
                    self._met.clear()
                self._met[key] = known
        return known

    def why_not(self, key: bytes) -> Refusal | None:
        """Tell why a key or token that was not found, or has ended, is refused.

        None for a key that is nobody's: more is told only to who has one that was good.
        """
        known = self._by_digest.get(digest(self._pepper, key))
        if known is not None and known.until_ns is not None:
            at = to_iso(known.until_ns)
            message = f"This key ended at {at}; ask whoever gave it to you for a new one."
            return Refusal(errors.KEY_EXPIRED, message)
        if not key.startswith(PREFIX):
            return None
        found = self._verified(key)
        if isinstance(found, Refusal):
            return found
        # It stands, so it was refused for its time.
        at = "" if found.until_ns is None else f" at {to_iso(found.until_ns)}"
        by_key = found.until_ns is not None and found.until_ns == self._end_of(found.key)
        what = "The key of this delegation" if by_key else "This delegation"
        return Refusal(errors.DELEGATION_EXPIRED, f"{what} ended{at}; ask for a new one.")

    def _end_of(self, key: str) -> int | None:
        return self._parents[key][0].until_ns

    def stands(self, key: str, delegations: Iterable[str], now_ns: int) -> bool:
        """Tell whether a key is valid and none of some delegations below it was revoked."""
        parent = self._parents.get(key)
        valid = parent is not None and not parent[0].ended(now_ns)
        return valid and self._revoked.isdisjoint(delegations)

    def _verified(self, token: bytes) -> Credential | Refusal:
        key_id = split(token[:TOKEN_BYTES_MAX]).key
        parent, root = self._parents.get(key_id, (None, None))
        if len(token) <= TOKEN_BYTES_MAX and parent is None:
            message = f"Its key {key_id[:64]!r} is revoked, or one of another gateway."
            return Refusal(errors.DELEGATION_FOREIGN, message)
        models = None if parent is None else parent.models
        found = verify(token, root, Grant(models=models))
        if isinstance(found, Refusal):
            return found
        assert parent is not None
        for link in found.links:
            if link.id in self._revoked:
                message = f"The delegation of {link.asked.agent!r} was revoked."
                return Refusal(errors.DELEGATION_REVOKED, message)
        # Not narrowed by the token's rules: who minted it need not know when the key ends.
        until_ns = earliest(parent.until_ns, found.grant.until_ns)
        return parent._replace(models=found.grant.models, delegation=found, until_ns=until_ns)


def model_set(models: Iterable[str]) -> frozenset[str] | None:
    """Return the models a key may ask for as a set, None for all."""
    named = frozenset(models)
    return None if ANY_MODEL in named else named
