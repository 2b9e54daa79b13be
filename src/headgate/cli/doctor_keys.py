"""What `headgate doctor` says of keys that end soon: whoever has one needs another before that."""

from collections.abc import Mapping
from pathlib import Path

from headgate.cli.doctor_checks import result
from headgate.cli.reading import reading_if_any
from headgate.identity.registry import ends_of, kept_keys
from headgate.identity.settings import Key
from headgate.insights.contract import CheckView
from headgate.units.errors import StoreError
from headgate.units.instants import NANOS_PER_SECOND, to_iso

WARN_NS = 7 * 86_400 * NANOS_PER_SECOND
"""How long before its end a key is warned of."""


def check_ends_of_keys(keys: Mapping[str, Key], data_dir: Path, now_ns: int) -> list[CheckView]:
    """Warn of each valid key that ends within a week; an unreadable store is another check's."""
    try:
        with reading_if_any(data_dir) as connection:
            kept = kept_keys(connection)
    except StoreError:
        kept = []
    revoked = {key.id for key in kept if key.revoked_ns is not None}
    soon = {
        key: until_ns
        for key, until_ns in ends_of(keys, kept).items()
        if now_ns < until_ns <= now_ns + WARN_NS and key not in revoked
    }
    return [
        result("keys", f"The key {key!r} ends at {to_iso(until_ns)}.", _fix(keys, key), "warning")
        for key, until_ns in sorted(soon.items(), key=lambda each: each[1])
    ]


def _fix(keys: Mapping[str, Key], key: str) -> str:
    if key in keys and keys[key].until_ns is not None:
        return f"Let `until` of [keys.{key}] be later, or give its holder another."
    return f"Make another: headgate keys create {key}-2"
