"""Keys of the configuration and keys made at run time, with when each was last used."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, select

from headgate.identity.registry import KeptKey, ends_of
from headgate.identity.settings import Key
from headgate.insights.contract import KeyView
from headgate.insights.views import iso_or_none
from headgate.ledger.tables import attempt, caller, refusal
from headgate.units.instants import to_iso

SCAN_ROWS_MAX = 10_000


class LastUses(NamedTuple):
    """When keys were last used.

    Attributes:
        by_key: The instant of the newest attempt or refused call, by key.
        since_ns: Of what was before this nothing is known, None when all there is was read.
    """

    by_key: Mapping[str, int]
    since_ns: int | None


def read_last_uses(connection: Connection) -> LastUses:
    """Return when keys were last used, as far as the newest `SCAN_ROWS_MAX` rows tell."""
    by_key: dict[str, int] = {}
    cuts: list[int] = []
    for newest in _newest():
        rows = newest.limit(SCAN_ROWS_MAX).subquery()
        grouped = select(rows.c.key, func.max(rows.c.at_ns), func.count(), func.min(rows.c.at_ns))
        found = connection.execute(grouped.group_by(rows.c.key)).all()
        for key, at_ns, _count, _oldest_ns in found:
            by_key[key] = max(at_ns, by_key.get(key, 0))
        if sum(count for _key, _at_ns, count, _oldest_ns in found) >= SCAN_ROWS_MAX:
            cuts.append(min(oldest_ns for _key, _at_ns, _count, oldest_ns in found))
    return LastUses(by_key, max(cuts, default=None))


def _newest() -> tuple[Select[Any], ...]:
    used = select(caller.c.key, attempt.c.at_ns).join(caller, caller.c.id == attempt.c.caller)
    refused = select(refusal.c.key, refusal.c.at_ns)
    return used.order_by(attempt.c.at_ns.desc()), refused.order_by(refusal.c.at_ns.desc())


def key_views(
    configured: Mapping[str, Key], kept: Sequence[KeptKey], uses: LastUses
) -> list[KeyView]:
    """Return all keys, those of the configuration first; one that was made replaces it."""
    made = {key.id for key in kept}
    ends = ends_of(configured, kept)
    others = [key for key in configured.values() if key.id not in made]
    every: list[Key | KeptKey] = [*others, *kept]
    return [_view(key, uses, ends) for key in every]


def _view(key: Key | KeptKey, uses: LastUses, ends: Mapping[str, int]) -> KeyView:
    made = key if isinstance(key, KeptKey) else None
    return KeyView(
        id=key.id,
        principal=key.principal,
        models=list(key.models),
        source="configuration" if made is None else "made",
        created_at=None if made is None else to_iso(made.created_ns),
        revoked_at=None if made is None else iso_or_none(made.revoked_ns),
        last_used_at=iso_or_none(uses.by_key.get(key.id)),
        ends_at=iso_or_none(ends.get(key.id)),
    )
