"""Prompt caches as a call meets them: where its prompt is warm, what to mark, what was not read.

Bodies below `BODY_BYTES_MIN` are left alone: no provider caches so little. Of a longer one the
blocks are hashed once, when it is routed, and compared once, when it is settled.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from headgate.caches.beginnings import forks
from headgate.caches.missed import Missed, Served, continues, missed
from headgate.caches.prompt import Prompt, prompt_of, reading
from headgate.caches.sessions import Last, Sessions, session_of
from headgate.caches.warmth import Cache, Prefix, Warmth
from headgate.caches.worth import missed_nanos, saved_nanos, warm_nanos, writing_pays
from headgate.dialects.opened import Members
from headgate.dialects.prompts.block import Blocks, items
from headgate.dialects.prompts.registry import Wanted, marker_of, prompt_dialects
from headgate.records.charge import Settlement
from headgate.records.journal import CacheNote
from headgate.records.report import Report
from headgate.routing.given import BYTES_PER_TOKEN, NOT_WARM, tokens_of
from headgate.routing.router import Router
from headgate.units.instants import NANOS_PER_SECOND
from headgate.units.usage import Usage

if TYPE_CHECKING:
    from headgate.experience.rows import Key, Value
    from headgate.gateway.exchange import Exchange
    from headgate.gateway.learning.notebook import Notebook
    from headgate.gateway.upstream.target import Target

BODY_BYTES_MIN: Final = 4_096
TOKENS_MIN: Final = 1_024
"""The shortest prefix that is kept, where the catalog does not know it: most models' own."""
TOKENS_STEP: Final = 128
"""Prefixes that are kept unasked are kept in steps of so many tokens, or fewer."""
LONG_RETENTION_S: Final = {"24h": 86_400}
"""How long a prefix is kept by what the call asks for; the dialect's own time for any other."""
PATH_CHARS_MAX: Final = 128
HEAD_BLOCKS_MAX: Final = 256
"""Of a prompt with more tools and instructions the hashes are not left to the next call."""
SENT_NS: Final = 300 * NANOS_PER_SECOND
"""How long what was sent is expected to come back: the lifetime of the marks that are set."""
UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What is raised of a body that is odd: it is the provider's to judge."""
WARM, SENT = "warm", "sent"
"""What is told, in the notebook: prefixes that are kept, and that were sent."""
NO_CHANGE: Final[Mapping[str, bytes]] = MappingProxyType({})


class _Kept:
    """What a provider keeps of a prompt after an attempt.

    Attributes:
        tokens: How many tokens; 0 when nothing is kept.
        blocks: How many blocks they are.
        ends: After how many blocks a later request may begin to differ and still read.
        lifetime_ns: For how long.
    """

    __slots__ = ("blocks", "ends", "lifetime_ns", "tokens")

    def __init__(self, tokens: int, blocks: int, ends: tuple[int, ...], lifetime_ns: int) -> None:
        self.tokens, self.blocks, self.ends, self.lifetime_ns = tokens, blocks, ends, lifetime_ns


class Keeping(NamedTuple):
    """What a provider would keep of a prompt.

    Attributes:
        tokens: How many tokens; 0 for none.
        written: Whether they are billed as written.
    """

    tokens: int
    written: bool


class Caching:
    """What is known here of the providers' caches.

    Args:
        targets: By deployment id.
        router: Knows which deployments a name stands for.
        marked: The aliases whose calls get breakpoints.
        notebook: Tells the other workers what is warm, and hears what they have warmed.
    """

    def __init__(
        self,
        targets: Mapping[str, Target],
        router: Router,
        marked: Collection[str],
        notebook: Notebook,
    ) -> None:
        self._targets = targets
        self._router = router
        self._marked = marked
        self._dialects = prompt_dialects()
        self._markers = {kind: marker_of(each) for kind, each in self._dialects.items()}
        self._warmth = Warmth()
        self._caches = frozenset(_cache(target) for target in targets.values())
        self._notebook = notebook
        notebook.latest(WARM, self._hear_warm)
        notebook.latest(SENT, self._hear_sent)
        self._sessions = Sessions()

    def read(self, exchange: Exchange, now_ns: int) -> Mapping[str, int]:
        """Read a call's prompt; return what it saves where it is warm, by deployment."""
        if len(exchange.body) < BODY_BYTES_MIN:
            return NOT_WARM
        if exchange.prompt is None:
            exchange.prompt = self._prompt(exchange)
            _note(exchange)
        if exchange.prompt is None:
            return NOT_WARM
        candidates = self._router.candidates(exchange.asked)
        if len(candidates) == 1:
            return NOT_WARM
        worth: dict[str, int] = {}
        prompt_tokens = tokens_of(len(exchange.body))
        for deployment in candidates:
            target = self._targets[deployment.id]
            tokens = self._warmth.tokens(_cache(target), exchange.prompt, now_ns)
            card = target.card(None, exchange.own.terms, now_ns) if tokens else None
            if card is not None:
                nanos = warm_nanos(card, tokens, prompt_tokens)
                if nanos:
                    worth[deployment.id] = nanos
        return worth

    def look(self, exchange: Exchange) -> Iterator[None]:
        """Read a large prompt, with pauses, before `read` asks where it is warm."""
        try:
            exchange.prompt = self._further(exchange)
            blocks = None if exchange.prompt is not None else self._blocks(exchange)
            if blocks is not None:
                exchange.prompt = yield from reading(blocks)
        except UNREADABLE:
            return
        _note(exchange)

    def _prompt(self, exchange: Exchange) -> Prompt | None:
        """Return a call's prompt, None when there is no telling."""
        try:
            prompt = self._further(exchange)
            blocks = None if prompt is not None else self._blocks(exchange)
            return prompt if blocks is None else prompt_of(blocks)
        except UNREADABLE:
            return None

    def _further(self, exchange: Exchange) -> Prompt | None:
        """Return a call's prompt as the one before with what is new; None where it is another."""
        dialect = self._dialects.get(exchange.dialect.KIND)
        members = exchange.own.members
        if dialect is None or not isinstance(members, Members) or "cache_control" in members:
            # A mark of the whole body is one behind its last block.
            return None
        now, opened = members.conversation, members.opened
        if now is None or opened is None or opened.reached is None:
            return None
        before = opened.reached.before
        if before.aside != now.aside or not isinstance(before.prompt, Prompt):
            return None
        more = items(members, *dialect.CONVERSATION, opened.known)
        return before.prompt.go_on(opened.known, more)

    def _blocks(self, exchange: Exchange) -> Blocks | None:
        dialect = self._dialects.get(exchange.dialect.KIND)
        return None if dialect is None else dialect.read(exchange.own.members)

    def kept_of(self, exchange: Exchange, target: Target, tokens: int) -> Keeping:
        """Return what would be kept of a prompt of so many tokens, were it sent to a target."""
        if tokens < _tokens_min(target):
            return Keeping(0, written=False)
        spoken = exchange.dialect.KIND
        if spoken not in target.deployment.dialects:
            spoken = target.deployment.dialects[0]
        dialect = self._dialects.get(spoken)
        if dialect is None:
            return Keeping(0, written=False)
        prompt = exchange.prompt
        is_marked = prompt is not None and bool(prompt.lifetimes_s)
        if dialect.MARKED and not is_marked and exchange.asked not in self._marked:
            return Keeping(0, written=False)
        return Keeping(tokens, written=dialect.MARKED)

    def marks(self, exchange: Exchange) -> Mapping[str, bytes]:
        """Return the members of the body that are sent with breakpoints; none for as they are.

        A prefix is marked when it was sent before, to whomever, within the cache's lifetime, for
        then it may come again, and when writing it costs less than one reading of it saves.

        Raises:
            SpliceError: A member would not say what it said before.
        """
        exchange.marked, exchange.marked_turns = (), False
        prompt, card = exchange.prompt, exchange.card
        if prompt is None or card is None or prompt.lifetimes_s:
            return NO_CHANGE
        marker = self._markers.get(exchange.spoken.KIND)
        if marker is None or exchange.asked not in self._marked:
            return NO_CHANGE
        sent = self._warmth.sent(prompt, exchange.sent_ns)
        head, turns = 0 < prompt.head <= sent, sent > prompt.turns_from
        if not (head or turns) or not writing_pays(card, tokens_of(len(exchange.outgoing))):
            return NO_CHANGE
        wanted = Wanted(head, turns, _tokens_min(exchange.target) * BYTES_PER_TOKEN)
        try:
            marked = marker(exchange.demand.members, wanted)
        except UNREADABLE:
            return NO_CHANGE
        exchange.marked, exchange.marked_turns = marked.paths, marked.turns
        return marked.changed

    def settle(
        self, exchange: Exchange, settlement: Settlement, report: Report
    ) -> CacheNote | None:
        """Learn from an attempt's usage; return what there is to say of the cache, if anything."""
        usage, prompt = settlement.usage, exchange.prompt
        touched = usage is not None and usage.cache_read + _written(usage) > 0
        if prompt is None and not touched:
            return None
        terms, sent_ns = exchange.demand.terms, exchange.sent_ns
        card = exchange.target.card(report.served_model, terms, sent_ns)
        if usage is None or card is None:
            return CacheNote(marked=exchange.marked) if exchange.marked else None
        note = CacheNote(saved_nanos(card, usage) if touched else 0, exchange.marked)
        found = None if prompt is None else self._compare(exchange, prompt, usage)
        if found is not None:
            nanos = missed_nanos(card, usage, found.tokens)
            if nanos:
                path = None if found.path is None else found.path[:PATH_CHARS_MAX]
                note = msgspec.structs.replace(
                    note,
                    cause=found.cause,
                    path=path,
                    missed_tokens=found.tokens,
                    missed_nanos=nanos,
                )
        return note if note != CacheNote() else None

    def _compare(self, exchange: Exchange, prompt: Prompt, usage: Usage) -> Missed | None:
        """Compare a prompt with the session's last one, and remember it in its place."""
        cache, at_ns = _cache(exchange.target), exchange.sent_ns
        kept = self._kept(exchange, prompt, usage)
        until_ns = at_ns + kept.lifetime_ns
        for blocks in {prompt.head, len(prompt.marks)} - {0}:
            self._send(exchange.asked, prompt.marks[blocks - 1], at_ns + SENT_NS)
        for blocks in kept.ends if kept.tokens else ():
            tokens = kept.tokens * prompt.ends[blocks - 1] // max(1, prompt.ends[kept.blocks - 1])
            self._keep(exchange, prompt.marks[blocks - 1], Prefix(tokens, until_ns))
        if kept.tokens and exchange.target.deployment.cache_anywhere:
            self._keep_inside(exchange, prompt, kept, until_ns)
        credential = exchange.request.credential
        assert credential is not None
        named = exchange.request.head.session
        session = session_of(credential.principal, named, prompt)
        if session is None:
            return None
        last = self._sessions.get(session)
        self._sessions.keep(session, Last(prompt, cache, kept.blocks, kept.tokens, until_ns))
        if last is None or not last.tokens or (named is None and not continues(last, prompt)):
            return None
        dialect = self._dialects.get(exchange.spoken.KIND)
        marked = dialect is None or not dialect.MARKED or bool(kept.ends)
        return missed(last, prompt, Served(cache, usage.cache_read, marked, at_ns))

    def _keep_inside(self, exchange: Exchange, prompt: Prompt, kept: _Kept, until_ns: int) -> None:
        """Remember what is kept up to places inside of the last long texts."""
        tokens_min = _tokens_min(exchange.target)
        whole = max(1, prompt.ends[kept.blocks - 1])
        for text, number in forks(prompt.beginnings):
            tokens = kept.tokens * text.end_at(number) // whole
            steps = tokens // TOKENS_STEP * TOKENS_STEP if tokens >= tokens_min else 0
            if text.block < kept.blocks:
                self._keep(exchange, text.mark(number), Prefix(steps, until_ns))

    def _send(self, asked: str, mark: int, until_ns: int) -> None:
        self._warmth.send(mark, until_ns)
        if asked in self._marked:
            self._notebook.note((SENT, str(mark)), until_ns, ())

    def _keep(self, exchange: Exchange, mark: int, prefix: Prefix) -> None:
        cache = _cache(exchange.target)
        self._warmth.keep(cache, mark, prefix)
        if len(self._router.candidates(exchange.asked)) > 1:
            # Where nobody has a choice, nobody asks what is warm.
            self._notebook.note((WARM, *cache, str(mark)), prefix.until_ns, (prefix.tokens,))

    def _hear_sent(self, key: Key, at_ns: int, _value: Value) -> None:
        self._warmth.send(int(key[1]), at_ns)

    def _hear_warm(self, key: Key, at_ns: int, value: Value) -> None:
        (tokens,) = value
        if key[1:3] in self._caches and isinstance(tokens, int):
            self._warmth.keep((key[1], key[2]), int(key[3]), Prefix(tokens, at_ns))

    def _kept(self, exchange: Exchange, prompt: Prompt, usage: Usage) -> _Kept:
        """Return what the provider keeps now of a prompt, by what its reply says."""
        dialect = self._dialects.get(exchange.spoken.KIND)
        if dialect is None:
            return _Kept(0, 0, (), 0)
        told, size = usage.cache_read + _written(usage), len(prompt.marks)
        if dialect.MARKED:
            ends, lifetime_s = _marked_ends(exchange, prompt), dialect.LIFETIME_S
            if not exchange.marked and ends:
                lifetime_s = prompt.lifetimes_s[ends[-1] - 1]
            kept = (told, ends[-1]) if ends else (0, 0)
            return _Kept(kept[0], kept[1], ends, lifetime_s * NANOS_PER_SECOND)
        whole = usage.prompt_tokens // TOKENS_STEP * TOKENS_STEP
        tokens = max(told, whole if whole >= _tokens_min(exchange.target) else 0)
        lifetime_s = LONG_RETENTION_S.get(exchange.demand.terms.cache_retention, dialect.LIFETIME_S)
        ends = (prompt.head, size) if prompt.head else (size,)
        return _Kept(tokens, size, ends if size else (), lifetime_s * NANOS_PER_SECOND)


def _note(exchange: Exchange) -> None:
    """Leave a call's prompt to the next call that goes on with its conversation."""
    members = exchange.own.members
    if isinstance(members, Members) and members.conversation is not None:
        prompt = exchange.prompt
        if prompt is not None and prompt.turns_from <= HEAD_BLOCKS_MAX:
            members.conversation.prompt = prompt


def _marked_ends(exchange: Exchange, prompt: Prompt) -> tuple[int, ...]:
    """Return after how many blocks of the client's prompt something is marked in what was sent."""
    if exchange.marked:
        size = len(prompt.marks)
        ends = (prompt.head, size) if exchange.marked_turns else (prompt.head,)
        return ends if prompt.head else (size,)
    if exchange.spoken is not exchange.dialect:
        return ()
    return tuple(number + 1 for number in prompt.lifetimes_s)


def _cache(target: Target) -> Cache:
    return target.deployment.provider, target.deployment.model


def _tokens_min(target: Target) -> int:
    known = target.deployment.cache_tokens_min
    return TOKENS_MIN if known is None else known


def _written(usage: Usage) -> int:
    return usage.cache_write_5m + usage.cache_write_1h + usage.cache_write_24h
