"""From the configuration to the credential that a key of a principal is; pure."""

from collections.abc import Iterable

from headgate.config.snapshot import Snapshot
from headgate.identity.directory import Credential, model_set
from headgate.identity.settings import limited_nodes
from headgate.units.instants import earliest


class Credentials:
    """Makes the credentials of a configuration, those of keys made at run time among them."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._principals = snapshot.principals
        self._keys = snapshot.keys
        self._lineages = snapshot.lineages()
        self._limited = frozenset(snapshot.per_minute())

    def of(
        self, key: str, principal: str, models: Iterable[str], until_ns: int | None
    ) -> Credential | None:
        """Return the credential of a key; None when its principal is configured no more.

        Args:
            key: Its id.
            principal: Whose it is.
            models: What it may ask for.
            until_ns: When it was made to end, None for never; its configuration may end it before.
        """
        configured = self._keys.get(key)
        until_ns = earliest(until_ns, None if configured is None else configured.until_ns)
        found = self._principals.get(principal)
        if found is None:
            return None
        nodes = limited_nodes(key, principal, self._lineages[found.team])
        limited = not self._limited.isdisjoint(nodes)
        may_use = model_set(models)
        return Credential(key, principal, found.team, may_use, until_ns=until_ns, limited=limited)
