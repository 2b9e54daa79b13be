"""What prompt caches and kept replies saved, what was lost to misses, and where to look."""

import re
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from sqlalchemy import ColumnElement, Connection, func, select, true

from headgate.ledger.tables import attempts
from headgate.store.expressions import Elements, JsonInteger, JsonText
from headgate.units.usage import INPUT_METERS

CacheSide = Literal["route", "deployment", "principal"]
CACHE_SIDES: tuple[CacheSide, ...] = get_args(CacheSide)

_SIDES: dict[CacheSide, ColumnElement[Any]] = {
    "route": attempts.c.asked,
    "deployment": attempts.c.deployment,
    "principal": attempts.c.principal,
}
_LATER = re.compile(r"\[[1-9]\d*\]")
_SETTINGS = frozenset({"tool_choice", "thinking", "response_format", "text", "toolConfig"})
_CONVERSATION = frozenset({"messages", "input", "contents"})
_ADVICE = {
    "moved": "Another deployment served it: see `headgate routes` for health and prices.",
    "expired": "The session paused longer than the cache lives; ask for a longer lifetime.",
    "unmarked": 'The request marks nothing to be read: send marks, or set cache = "auto".',
    "unread": "Nothing had changed; the provider did not have it any more.",
    "tools": "Send the same tools in the same order, as the same bytes, with every call.",
    "settings": "A setting in front of the conversation changed; keep it through a session.",
    "head": "Move what changes (a date, an id) out of the instructions to the last turn.",
    "turns": "Earlier turns were rewritten or cut; only add to a conversation, or cut rarely.",
}


@dataclass(slots=True)
class CacheSums:
    """Sums over some attempts with charge lines.

    Attributes:
        name: What they have in common; empty for all together.
        attempts: How many.
        prompt_tokens: All tokens of their prompts.
        read_tokens: Those that were read from a cache.
        written_tokens: Those that were written to one.
        saved_nanos: What all would have cost more without a cache; negative when less.
        misses: How often a prefix was not read that should have been.
        missed_nanos: What that cost.
        given: Calls that got a kept reply again, besides those attempts.
        given_nanos: What the calls were posted at that those replies were made for: what was
            saved by not asking again.
    """

    name: str
    attempts: int = 0
    prompt_tokens: int = 0
    read_tokens: int = 0
    written_tokens: int = 0
    saved_nanos: int = 0
    misses: int = 0
    missed_nanos: int = 0
    given: int = 0
    given_nanos: int = 0

    @property
    def hit_permille(self) -> int:
        """Tokens read in a thousand of the prompts."""
        return 1_000 * self.read_tokens // max(1, self.prompt_tokens)


@dataclass(slots=True)
class MissSums:
    """Misses of one kind.

    Attributes:
        cause: See `headgate.caches.missed`.
        path: The first changed block, `[*]` standing for later places; None when none changed.
    """

    route: str
    cause: str
    path: str | None
    times: int = 0
    tokens: int = 0
    nanos: int = 0

    @property
    def advice(self) -> str:
        """What to do about it."""
        if self.path is None:
            return _ADVICE[self.cause]
        section = self.path.partition("[")[0].partition(".")[0]
        if section == "tools" or section in _SETTINGS:
            return _ADVICE["tools" if section == "tools" else "settings"]
        is_turn = section in _CONVERSATION and not self.path.startswith(f"{section}[0]")
        return _ADVICE["turns" if is_turn else "head"]


@dataclass(frozen=True, slots=True)
class CacheReport:
    """The sums over all, by one side (most tokens first), and the misses (the dearest first)."""

    total: CacheSums
    by: tuple[CacheSums, ...]
    misses: tuple[MissSums, ...]


def cache_report(connection: Connection, side: CacheSide, since_ns: int) -> CacheReport:
    """Return what caches did for all attempts since an instant.

    Args:
        connection: To the store.
        side: What to group by.
        since_ns: Attempts from here on; 0 for all.
    """
    name = _SIDES[side]
    found: dict[str, CacheSums] = {}
    # Each line is an array that begins with its meter and its quantity.
    line = Elements(attempts.c.lines).table_valued("value")
    meter, quantity = JsonText(line.c.value, 0), JsonInteger(line.c.value, 1)
    wanted = attempts.c.at_ns >= since_ns
    tokens = (
        select(name, meter, func.sum(quantity))
        .select_from(attempts.join(line, true()))
        .where(wanted)
    )
    for label, what, count in connection.execute(tokens.group_by(name, meter)):
        _count(found.setdefault(label, CacheSums(label)), what, count)
    columns = (
        func.count(),
        func.sum(func.coalesce(_noted("saved_nanos"), 0)),
        func.count(_noted("cause")),
        func.sum(func.coalesce(_noted("missed_nanos"), 0)),
    )
    metered = select(name, *columns).where(wanted, attempts.c.lines != "[]")
    for label, number, saved, misses, missed in connection.execute(metered.group_by(name)):
        one = found.setdefault(label, CacheSums(label))
        one.attempts, one.saved_nanos, one.misses, one.missed_nanos = number, saved, misses, missed
    _add_given(connection, name, since_ns, found)
    rows = sorted(found.values(), key=lambda sums: (-sums.prompt_tokens, sums.name))
    counted = [field.name for field in fields(CacheSums)[1:]]
    total = {each: sum(getattr(row, each) for row in rows) for each in counted}
    return CacheReport(CacheSums("", **total), tuple(rows), _misses(connection, since_ns))


def _add_given(
    connection: Connection, name: ColumnElement[Any], since_ns: int, found: dict[str, CacheSums]
) -> None:
    """Count the calls that got a kept reply again, with what that saved."""
    sums = (func.count(), func.sum(_noted("saved_nanos")))
    query = select(name, *sums).where(
        attempts.c.at_ns >= since_ns, _noted("given_from").is_not(None)
    )
    for label, given, nanos in connection.execute(query.group_by(name)):
        one = found.setdefault(label, CacheSums(label))
        # A note leaves out what is 0: replies of deployments without a price.
        one.given, one.given_nanos = given, nanos or 0


def _count(sums: CacheSums, meter: str, quantity: int) -> None:
    if meter in INPUT_METERS:
        sums.prompt_tokens += quantity
    if meter == "cache_read":
        sums.read_tokens += quantity
    if meter.startswith("cache_write"):
        sums.written_tokens += quantity


def _misses(connection: Connection, since_ns: int) -> tuple[MissSums, ...]:
    sides = (attempts.c.asked, _noted("cause"), _noted("path"))
    sums = (func.count(), func.sum(_noted("missed_tokens")), func.sum(_noted("missed_nanos")))
    query = select(*sides, *sums).where(attempts.c.at_ns >= since_ns, _noted("cause").is_not(None))
    found: dict[tuple[str, str, str | None], MissSums] = {}
    for route, cause, path, times, tokens, nanos in connection.execute(query.group_by(*sides)):
        where = None if path is None else _place(path)
        one = found.setdefault((route, cause, where), MissSums(route, cause, where))
        one.times += times
        one.tokens += tokens
        one.nanos += nanos
    return tuple(sorted(found.values(), key=lambda one: (-one.nanos, one.route, one.path or "")))


def _place(path: str) -> str:
    """Return a path as one of its kind: every later turn is like the others."""
    return _LATER.sub("[*]", path) if path.partition("[")[0] in _CONVERSATION else path


def _noted(field: str) -> ColumnElement[Any]:
    is_text = field in ("cause", "path", "given_from")
    return (JsonText if is_text else JsonInteger)(attempts.c.cache, field)
